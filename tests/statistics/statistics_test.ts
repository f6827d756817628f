/** Statistics: rates over sixteen samples, errors by their code, and what RESETSTAT leaves. */
import { assertEquals } from "@std/assert";
import { Rate, RecentMaximum, Statistics } from "../../src/statistics/statistics.ts";

Deno.test("a rate is the mean of the last sixteen samples", () => {
  const rate = new Rate();
  rate.sample(0, 1000);
  assertEquals(rate.perSecond, 0);
  for (let index = 1; index <= 16; index++) rate.sample(index * 50, 1000 + index * 100);
  assertEquals(rate.perSecond, 500);
  for (let index = 17; index <= 24; index++) rate.sample(800, 1000 + index * 100);
  assertEquals(rate.perSecond, 250);
  for (let index = 25; index <= 32; index++) rate.sample(800, 1000 + index * 100);
  assertEquals(rate.perSecond, 0);
});

Deno.test("two samples of the same moment count once", () => {
  const rate = new Rate();
  rate.sample(0, 1000);
  rate.sample(500, 1000);
  rate.sample(660, 2000);
  assertEquals(rate.perSecond, 10);
});

Deno.test("a recent maximum is that of eight seconds, whatever is noted in which order", () => {
  const maximum = new RecentMaximum();
  assertEquals(maximum.at(100_000), 0);
  maximum.note(5, 100_000);
  maximum.note(70, 100_900);
  maximum.note(6, 100_999);
  maximum.note(9, 103_000);
  assertEquals(maximum.at(103_000), 70);
  assertEquals(maximum.at(107_999), 70);
  assertEquals(maximum.at(108_000), 9);
  // Its second's place is taken by another.
  maximum.note(1, 108_500);
  assertEquals(maximum.at(108_500), 9);
  assertEquals(maximum.at(111_000), 1);
  assertEquals(maximum.at(120_000), 0);
});

Deno.test("errors are counted by their first word", () => {
  const statistics = new Statistics();
  const long = "X".repeat(31);
  for (const text of ["ERR a", "ERR b", "WRONGTYPE c", "NOTEXT", `${long} d`]) {
    statistics.countError(text);
  }
  assertEquals(statistics.errorReplies, 5);
  // Redis: without a text, or with so long a word, there is no code of its own.
  assertEquals([...statistics.errorsByCode], [["ERR", 4], ["WRONGTYPE", 1]]);
});

Deno.test("scripts cannot make codes without end", () => {
  const statistics = new Statistics();
  for (let i = 0; i < 5000; i++) statistics.countError(`CODE${i} x`);
  assertEquals([statistics.errorReplies, statistics.errorsByCode.size], [5000, 1000]);
});

Deno.test("after a reset no rate is negative, and the peak of memory is still known", () => {
  const statistics = new Statistics();
  statistics.commandsProcessed = 1000;
  statistics.commandRate.sample(0, 1000);
  statistics.commandRate.sample(1000, 2000);
  statistics.memoryPeakBytes = 5;
  statistics.countError("ERR x");
  statistics.reset();
  statistics.commandRate.sample(statistics.commandsProcessed, 3000);
  assertEquals([statistics.commandRate.perSecond, statistics.commandsProcessed], [0, 0]);
  assertEquals([statistics.errorReplies, statistics.errorsByCode.size], [0, 0]);
  assertEquals(statistics.memoryPeakBytes, 5);
});
