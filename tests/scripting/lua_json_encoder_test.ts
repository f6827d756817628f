/** cjson.encode. */
import { testShown } from "../support/lua_host.ts";

testShown("arrays, objects, scalars", [
  [
    "return cjson.encode({1,2,3}),cjson.encode({}),cjson.encode({a={true,cjson.null}}),cjson.encode({1,nil,3}),cjson.encode({[1.5]=1})",
    '[1,2,3] {} {"a":[true,null]} [1,null,3] {"1.5":1}',
  ],
  [
    "return cjson.encode(0.1),cjson.encode(2^53),cjson.encode('a/\"\\\\\\n\\127\\1')",
    '0.1 9.007199254741e+15 "a\\/\\"\\\\\\n\\u007f\\u0001"',
  ],
]);

testShown("errors", [
  [
    "return pcall(cjson.encode,{[1]=1,[100]=1})",
    "false Cannot serialise table: excessively sparse array",
  ],
  [
    "return pcall(cjson.encode,{[true]=1})",
    "false Cannot serialise boolean: table key must be a number or string",
  ],
  ["return pcall(cjson.encode,0/0)", "false Cannot serialise number: must not be NaN or Inf"],
  [
    "local t={} t.t=t return pcall(cjson.encode,t)",
    "false Cannot serialise, excessive nesting (1001)",
  ],
]);
