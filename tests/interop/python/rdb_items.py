"""Prints every key of an RDB file as a line of JSON, as the package rdb-py reads it.

    rdb_items.py FILE

A line is [database, key, type, expiry in ms or null, parts]; bytes are text with one character per
byte, and the parts of a sorted set are member, score, member, score …
"""

import json
import sys

import rdb


def text(raw):
    return raw.decode("latin-1")


def parts_of(item):
    kind = item["type"]
    if kind == "string":
        return [text(item["value"])]
    if kind == "set":
        return [text(member) for member in item["members"]]
    if kind == "list":
        return [text(element) for element in item["values"]]
    if kind == "hash":
        return [text(each) for pair in item["values"].items() for each in pair]
    return [each for score, member in item["values"] for each in (text(member), repr(score))]


database = 0
for item in rdb.RdbDecoder(sys.argv[1]):
    if item["type"] == "select_db":
        database = item["db"]
    elif "key" in item and item["type"] != "aux_field":
        line = [database, text(item["key"]), item["type"], item["expiry"], parts_of(item)]
        print(json.dumps(line))
