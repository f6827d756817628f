/**
 * Writes random Lua programs: expressions, statements, closures, metatables, library calls with
 * likely and extreme arguments. Every program ends, changes nothing outside, and returns a list of
 * texts. What may differ by design is not written: the order of pairs, borders of lists with gaps,
 * addresses, the sign of NaN, deep recursion.
 */

import type { SeededRandom } from "../support/seeded_random.ts";

const NUMBERS = [
  "0",
  "1",
  "2",
  "3",
  "-1",
  "7",
  "10",
  "0.5",
  "1.5",
  "-2.5",
  "1e15",
  "1e14",
  "1e100",
  "2^31",
  "2^53",
  "-2^31",
  "2^63",
  "-2^63",
  "0.1",
  "1/3",
  "123456.789",
  "1e-5",
  "255",
  "256",
  "65536",
  "1e300",
  "(1/0)",
  "(-1/0)",
  "0x10",
  "99999999999999",
  "3.999",
  "-0.5",
  "12345678901234567890",
] as const; // deno-fmt-ignore
const STRINGS = [
  "''", "'a'", "'abc'", "'hello world'", "'10'", "'0x1F'", "' 5 '", "'1e2'", "'a,b,c'", "'x=1'",
  "'\\0'", "'a\\0b'", "'\\255\\128'", "'%d'", "'(a)'", "'[]'", "'AbC'", "'  trim  '", "'-5'",
  "'nil'", "'aaa'", "'line\\n2'", "'\"q\"'", "'1.5'", "'zz'",
] as const; // deno-fmt-ignore
const PATTERNS = [
  "'a'", "'.'", "'%a+'", "'%d*'", "'(%w)(%w)'", "'^a'", "'b$'", "'[a-c]+'", "'[^a]'", "'.-b'",
  "'()'", "'%s*(.-)%s*$'", "'(a*)'", "'%f[%w]%w+'", "'%b()'", "'l+'", "''", "'%'", "'[a'", "'(a'",
  "'a)'", "'%1'", "'(a)%1'", "'a?b'", "'%z'", "'[%a_][%w_]*'", "'%-'", "'(%a)=(%d)'", "'%x'",
] as const; // deno-fmt-ignore
const FORMATS = [
  "%d", "%5d", "%-5d|", "%05d", "%+d", "%x", "%X", "%#x", "%o", "%u", "%c", "%e", "%.3e", "%f",
  "%.2f", "%10.4f", "%g", "%.3g", "%.14g", "%.17g", "%s", "%5s", "%-5s|", "%.2s", "%q", "%i",
  "%5.1f", "% d", "%%", "%y", "%.0f", "%#o", "%G", "%E", "%.10d", "%-+8d|", "%08.2f", "%.20f",
] as const; // deno-fmt-ignore
const MATH = ["floor", "ceil", "abs", "sqrt", "modf", "frexp"] as const;
const TYPES_OF_ERROR = ["nil", "{}", "'x'", "5", "true"] as const;

export class LuaGrammar {
  readonly #random: SeededRandom;
  #locals: string[] = [];
  #functions: string[] = [];
  #count = 0;
  #depth = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** A whole program. */
  program(): string {
    const lines = [
      "local r={} local function o(...) for i=1,select('#',...) do r[#r+1]=tostring((select(i,...))) end end",
    ];
    const count = this.#random.between(2, 9);
    for (let i = 0; i < count; i++) lines.push(this.#statement());
    lines.push("return r");
    // The word alone makes generators of all functions: both forms must do the same.
    if (this.#random.oneIn(4)) lines.push("--coroutine");
    return lines.join(this.#random.oneIn(3) ? "\n" : " ");
  }

  #name(): string {
    return `${this.#random.pick(["a", "b", "x", "n", "str", "t_"])}${this.#count++}`;
  }

  #block(): string {
    const locals = this.#locals.slice();
    const functions = this.#functions.slice();
    this.#depth++;
    const lines = Array.from({ length: this.#random.between(1, 3) }, () => this.#statement());
    this.#depth--;
    this.#locals = locals;
    this.#functions = functions;
    return lines.join(" ");
  }

  #statement(): string {
    const choices = [
      () => this.#localStatement(),
      () => this.#localStatement(),
      () => `o(${this.#expression(3)})`,
      () => `o(${this.#expression(3)})`,
      () => `o(${this.#libraryCall()})`,
      () => `o(pcall(function() return ${this.#expression(3)} end))`,
      () => `o(pcall(function() ${this.#wrongStatement()} end))`,
      () => this.#assignment(),
      () => this.#tableStatement(),
      () => this.#metatableStatement(),
      () => this.#functionStatement(),
      () => this.#coroutineStatement(),
    ];
    if (this.#depth < 3) choices.push(() => this.#control(), () => this.#control());
    return this.#random.pick(choices)();
  }

  #localStatement(): string {
    const name = this.#name();
    const text = `local ${name}=${this.#expression(2)}`;
    this.#locals.push(name);
    return text;
  }

  #assignment(): string {
    if (this.#locals.length < 2) return this.#localStatement();
    const first = this.#random.pick(this.#locals);
    const second = this.#random.pick(this.#locals);
    return this.#random.oneIn(2)
      ? `${first}=${this.#expression(2)}`
      : `${first},${second}=${this.#expression(1)},${this.#expression(1)}`;
  }

  #control(): string {
    const name = this.#name();
    const random = this.#random;
    switch (random.below(7)) {
      case 0:
        return `if ${this.#expression(2)} then ${this.#block()} else ${this.#block()} end`;
      case 1:
        return `for ${name}=${random.between(-2, 3)},${random.between(0, 4)} do o(${name}) ` +
          `${this.#withLocal(name)} end`;
      case 2:
        return `for ${name}=${random.pick(["10", "1", "0.1", "'3'"])},${
          random.pick(["1", "4", "-2", "'5'"])
        },${random.pick(["-3", "2", "0.7", "'1'", "-1"])} do o(${name}) ` +
          `if #r>200 then break end end`;
      case 3:
        return `local ${name}=0 while ${name}<${random.between(1, 4)} do ${name}=${name}+1 ` +
          `${this.#block()} ${
            random.oneIn(3) ? `if ${this.#expression(1)} then break end` : ""
          } end`;
      case 4:
        return `local ${name}=0 repeat local q=${name} ${name}=${name}+1 ${this.#block()} ` +
          `until q>=${random.between(0, 2)}`;
      case 5:
        return `for ${name},v in ipairs({${this.#list(4)}}) do o(${name},v) end`;
      default:
        return `do ${this.#block()} end`;
    }
  }

  #withLocal(name: string): string {
    this.#locals.push(name);
    const block = this.#block();
    this.#locals = this.#locals.filter((each) => each !== name);
    return block;
  }

  #list(max: number): string {
    return Array.from({ length: this.#random.between(0, max) }, () => this.#simple()).join(",");
  }

  #tableStatement(): string {
    const name = this.#name();
    const random = this.#random;
    const index = random.between(1, 4);
    const actions = [
      `table.insert(${name},${random.pick(STRINGS)})`,
      `table.insert(${name},${random.between(1, 3)},${random.pick(NUMBERS)})`,
      `o(table.remove(${name}))`,
      `o(table.remove(${name},${random.between(1, 3)}))`,
      `o(#${name})`,
      `o(unpack(${name}))`,
      `o(pcall(table.concat,${name},${random.pick(["','", "''", "5"])}))`,
      `o(pcall(table.sort,${name}))`,
      `o(table.getn(${name}),table.maxn(${name}))`,
      `${name}[#${name}+1]=${random.pick(NUMBERS)}`,
      `${name}.k=${this.#simple()} o(${name}.k,${name}[${index}],rawget(${name},'k'))`,
      `o(pcall(cjson.encode,${name}))`,
      `o(pcall(function() return cmsgpack.unpack(cmsgpack.pack(${name}))[1] end))`,
    ];
    const list = Array.from(
      { length: random.between(1, 5) },
      () => random.oneIn(2) ? random.pick(NUMBERS) : random.pick(STRINGS),
    );
    const chosen = Array.from({ length: random.between(1, 4) }, () => random.pick(actions));
    return `local ${name}={${list.join(",")}} ${chosen.join(" ")}`;
  }

  #metatableStatement(): string {
    const name = this.#name();
    const event = this.#random.pick([
      "add",
      "sub",
      "mul",
      "div",
      "mod",
      "pow",
      "unm",
      "concat",
      "eq",
      "lt",
      "le",
      "index",
      "call",
      "newindex",
      "tostring",
      "len",
    ]); // deno-fmt-ignore
    const body = this.#random.pick([
      "return 1", "return tostring(x)", "return x", "error('mm')", "return", "return nil,2",
      "return type(y)", "return true",
    ]); // deno-fmt-ignore
    const uses = [
      `${name}+1`, `2-${name}`, `${name}*${name}`, `${name}/2`, `${name}%3`, `${name}^2`,
      `-${name}`, `${name}..'s'`, `1 ..${name}`, `${name}==${name}`, `${name}==setmetatable({},m)`,
      `${name}<${name}`, `${name}<=${name}`, `${name}<1`, `${name}.foo`, `${name}[1]`,
      `${name}(1,2)`, `#${name}`, `${name}.k.j`,
    ]; // deno-fmt-ignore
    const shown = Array.from({ length: 3 }, () => {
      const use = this.#random.pick(uses);
      return `o(pcall(function() local v=${use} return type(v)=='table' or v end))`;
    });
    return `do local m={__${event}=function(x,y) if type(x)=='table' then x='T' end ${body} end} ` +
      `local ${name}=setmetatable({},m) ${shown.join(" ")} ` +
      `o(pcall(function() ${name}.z=5 return rawget(${name},'z') end)) end`;
  }

  #functionStatement(): string {
    const name = this.#name();
    const random = this.#random;
    const parameters = random.pick(["", "p", "p,q", "...", "p,..."]);
    const locals = this.#locals.slice();
    const functions = this.#functions.slice();
    this.#functions = [];
    if (parameters.includes("p")) this.#locals.push("p");
    const isVararg = parameters.includes("...");
    this.#depth++;
    const body = random.oneIn(2) ? this.#block() : "";
    const value = isVararg && random.oneIn(2)
      ? random.pick(["...", "select('#',...)", "(...)", "{...}[1]", "arg", "1,..."])
        .replace("{...}[1]", "({...})[1]")
      : this.#expression(2);
    this.#depth--;
    this.#locals = locals;
    this.#functions = functions;
    const text = `local function ${name}(${parameters}) ${body} return ${
      value === "arg" ? "type(arg)" : value
    } end o(pcall(${name},${this.#simple()},${this.#simple()}))`;
    this.#functions.push(name);
    return text;
  }

  #coroutineStatement(): string {
    const name = this.#name();
    const random = this.#random;
    const body = random.pick([
      "coroutine.yield(1) return 2",
      "local a=coroutine.yield(...) return a,3",
      "error('co')",
      "for i=1,3 do coroutine.yield(i) end",
      "return ...",
      "local n=nil n()",
      "return pcall(coroutine.yield,1)",
      "coroutine.yield(coroutine.yield(4))",
    ]); // deno-fmt-ignore
    const resumes = Array.from(
      { length: random.between(1, 4) },
      () => `o(coroutine.resume(${name},${random.pick(NUMBERS)}))`,
    );
    return `local ${name}=coroutine.create(function(...) ${body} end) ${resumes.join(" ")} ` +
      `o(coroutine.status(${name}))`;
  }

  #wrongStatement(): string {
    const random = this.#random;
    const wrong = random.pick(TYPES_OF_ERROR);
    return random.pick([
      `local z=${wrong} return z.a.b`,
      `local z=${wrong} z.a.b=1`,
      `local z=${wrong} return z()`,
      `local z=${wrong} return z:m()`,
      `local z=${wrong} return z+1`,
      `local z={} return z.f+${wrong}`,
      `local z=${wrong} return 'a'..z`,
      `local z={} return z.y..${wrong}`,
      `return ${wrong}<${random.pick(TYPES_OF_ERROR)}`,
      `return ${wrong}<=${random.pick(TYPES_OF_ERROR)}`,
      `for i=${wrong},2 do end`,
      `return #${wrong === "5" ? "(5)" : `(${wrong})`}`,
      `return -(${wrong})`,
      `error(${wrong === "{}" ? "'t'" : wrong},${random.between(0, 2)})`,
      `local z={} z[${wrong === "{}" ? "1" : wrong}]=1 return z[1]`,
      `return undefined_global`,
      `undefined_global=1`,
      `return string.rep(${wrong})`,
      `return ('x'):rep(${wrong})`,
      `for i in ${wrong} do end`,
    ]);
  }

  /** A literal, a local, nothing that can fail. */
  #simple(): string {
    const random = this.#random;
    switch (random.below(6)) {
      case 0:
      case 1:
        return random.pick(NUMBERS);
      case 2:
      case 3:
        return random.pick(STRINGS);
      case 4:
        return random.pick(["nil", "true", "false"]);
      default:
        return this.#locals.length === 0 ? "1" : random.pick(this.#locals);
    }
  }

  #number(): string {
    return this.#random.oneIn(4) ? this.#simple() : this.#random.pick(NUMBERS);
  }

  #text(): string {
    return this.#random.oneIn(5) ? this.#simple() : this.#random.pick(STRINGS);
  }

  /** An expression; errors in it are as good as values. */
  #expression(depth: number): string {
    const random = this.#random;
    if (depth === 0) return this.#simple();
    const inner = () => this.#expression(depth - 1);
    switch (random.below(14)) {
      case 0:
      case 1:
        return `(${this.#number()}${random.pick(["+", "-", "*", "/", "%", "^"])}${this.#number()})`;
      case 2:
        return `(${this.#safeNumber(depth)}${random.pick(["+", "-", "*"])}${
          this.#safeNumber(depth)
        })`;
      case 3:
        return `(${this.#text()} ..${this.#number()})`;
      case 4:
        return `(${inner()}${random.pick(["==", "~="])}${inner()})`;
      case 5:
        return `(${random.pick(NUMBERS)}${random.pick(["<", "<=", ">", ">="])}${
          random.pick(NUMBERS)
        })`;
      case 6:
        return `(${inner()} ${random.pick(["and", "or"])} ${inner()})`;
      case 7:
        return `(not ${inner()})`;
      case 8:
        return `#${random.pick(STRINGS)}`;
      case 9:
        return this.#libraryCall();
      case 10:
        return `({${this.#list(3)}})[${random.between(1, 3)}]`;
      case 11:
        return `(function(...) return ${inner()} end)(${this.#list(2)})`;
      case 12:
        return this.#functions.length === 0
          ? inner()
          : `(${random.pick(this.#functions)}(${this.#list(2)}))`;
      default:
        return this.#simple();
    }
  }

  #safeNumber(depth: number): string {
    return depth > 1 && this.#random.oneIn(2)
      ? `(tonumber(${this.#expression(depth - 1).replace(/^/, "tostring(")})) or 3)`
      : this.#random.pick(NUMBERS);
  }

  #libraryCall(): string {
    const random = this.#random;
    const text = this.#text();
    const small = () => String(random.between(-4, 6));
    switch (random.below(20)) {
      case 0:
        return `string.sub(${text},${small()},${small()})`;
      case 1:
        return `string.byte(${text},${small()},${small()})`;
      case 2:
        return `string.${random.pick(["upper", "lower", "reverse", "len"])}(${text})`;
      case 3:
        return `string.rep(${text},${random.between(-1, 4)})`;
      case 4:
        return `string.find(${random.pick(STRINGS)},${random.pick(PATTERNS)},${small()})`;
      case 5:
        return `string.match(${random.pick(STRINGS)},${random.pick(PATTERNS)})`;
      case 6:
      case 7:
        return `string.gsub(${random.pick(STRINGS)},${random.pick(PATTERNS)},${
          random.pick(["'x'", "'%0%0'", "'%1'", "{a='A'}", "function(c) return c..'!' end", "'%'"])
        }${random.oneIn(4) ? `,${small()}` : ""})`;
      case 8:
      case 9:
      case 10:
        return `string.format('${random.pick(FORMATS)}',${this.#number()})`;
      case 11:
        return `string.format('${random.pick(FORMATS)}:${
          random.pick(FORMATS)
        }',${this.#text()},${this.#number()})`;
      case 12:
        return `tonumber(${this.#simple()}${
          random.oneIn(3) ? `,${random.pick(["2", "8", "16", "36", "10", "1"])}` : ""
        })`;
      case 13:
        return `math.${random.pick(MATH)}(${this.#number()})`;
      case 14:
        return `math.${random.pick(["max", "min", "fmod"])}(${this.#number()},${this.#number()})`;
      case 15:
        return `bit.${
          random.pick(["band", "bor", "bxor", "lshift", "rshift", "arshift", "rol"])
        }(${this.#number()},${this.#number()})`;
      case 16:
        return `bit.${random.pick(["tohex", "bnot", "bswap", "tobit"])}(${this.#number()})`;
      case 17:
        return `cjson.encode(${random.oneIn(2) ? this.#simple() : `{${this.#list(4)}}`})`;
      case 18:
        return `cjson.decode(${
          random.pick(["'[1,2]'", "'{}'", "'1'", "'\"x\"'", "'[1,'", "'nul'", "'-5e3'", "'[[]]'"])
        })`.replace(/^/, "type(") + ")";
      default:
        return this.#packCall();
    }
  }

  #packCall(): string {
    const random = this.#random;
    const format = random.pick(["b", "B", ">h", "<H", "i", ">I", "l", "L", "i3", ">i2", "!bi"]);
    return random.oneIn(2)
      ? `struct.unpack('${format}',struct.pack('${format}',${random.pick(NUMBERS)},1))`
      : `cmsgpack.unpack(cmsgpack.pack(${random.pick(NUMBERS)}))`;
  }
}
