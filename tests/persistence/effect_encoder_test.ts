/** Effects as bytes: units, databases, buffers. */
import { assertEquals } from "@std/assert";
import { EffectEncoder, type EffectSink } from "../../src/persistence/effect_encoder.ts";
import { Argv } from "../../src/protocol/argv.ts";
import { fromLatin1 } from "../support/text.ts";
import { commandsOf } from "../support/unit_reader.ts";

class Sink implements EffectSink {
  text = "";
  units: string[] = [];

  takeUnit(bytes: Uint8Array, length: number): void {
    this.text += fromLatin1(bytes.subarray(0, length));
    this.units.push(commandsOf(bytes, length).map((words) => words.join(" ")).join(", "));
  }
}

function record(encoder: EffectEncoder, sinks: Sink[], db: number, ...lines: string[]): void {
  for (const line of lines) encoder.append(db, Argv.of(...line.split(" ")));
  encoder.endUnit(sinks);
}

Deno.test("a unit of one effect stands bare, behind SELECT when the database changes", () => {
  const [encoder, sink] = [new EffectEncoder(), new Sink()];
  encoder.append(0, Argv.of("SET", "k", ""));
  encoder.endUnit([sink]);
  assertEquals(
    sink.text,
    "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n",
  );
  record(encoder, [sink], 0, "DEL k");
  record(encoder, [sink], 11, "SET k v");
  assertEquals(sink.units.slice(1), ["DEL k", "SELECT 11, SET k v"]);
});

Deno.test("a unit of several effects is wrapped in MULTI and EXEC; one without is none", () => {
  const [encoder, sink] = [new EffectEncoder(), new Sink()];
  encoder.endUnit([sink]);
  record(encoder, [sink], 0, "SET a 1", "SET b 2", "DEL c");
  encoder.endUnit([sink]);
  record(encoder, [sink], 0, "SET d 4");
  assertEquals(sink.units, ["SELECT 0, MULTI, SET a 1, SET b 2, DEL c, EXEC", "SET d 4"]);
});

Deno.test("within a unit the database may change", () => {
  const [encoder, sink] = [new EffectEncoder(), new Sink()];
  encoder.append(1, Argv.of("SET", "a", "1"));
  assertEquals(encoder.isOpen, true);
  encoder.append(2, Argv.of("SET", "b", "2"));
  encoder.endUnit([sink]);
  assertEquals(encoder.isOpen, false);
  assertEquals(sink.units, ["SELECT 1, MULTI, SET a 1, SELECT 2, SET b 2, EXEC"]);
});

Deno.test("all sinks take the same bytes, and one that comes later is told the database", () => {
  const [encoder, first, second] = [new EffectEncoder(), new Sink(), new Sink()];
  record(encoder, [first], 3, "SET a 1");
  encoder.selectAgain();
  record(encoder, [first, second], 3, "SET b 2");
  assertEquals(first.units, ["SELECT 3, SET a 1", "SELECT 3, SET b 2"]);
  assertEquals(second.units, ["SELECT 3, SET b 2"]);
});

Deno.test("a large effect is taken whole, and its buffer is not kept", () => {
  const [encoder, sink] = [new EffectEncoder(), new Sink()];
  const value = new Uint8Array(3_000_000).fill(0x78);
  encoder.append(0, Argv.of("SET", "k", value));
  encoder.endUnit([sink]);
  assertEquals(sink.units[0]!.length, "SELECT 0, SET k ".length + value.length);
  assertEquals(encoder.bytes.length < value.length, true);
});
