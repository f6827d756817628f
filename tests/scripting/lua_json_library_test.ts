/** The settings of cjson. */
import { testShown } from "../support/lua_host.ts";

testShown("each instance has its own", [
  [
    "local c=cjson.new() c.encode_sparse_array(true,1,1) return c.encode({[1]=1,[5]=5})",
    '{"1":1,"5":5}',
  ],
  ["local c=cjson.new() return c.encode_sparse_array()", "false 2 10"],
  [
    "local c=cjson.new() c.encode_number_precision(3) return c.encode(math.pi),cjson.encode(0.25)",
    "3.14 0.25",
  ],
  ["local c=cjson.new() c.encode_invalid_numbers('null') return c.encode({1/0})", "[null]"],
  [
    "local c=cjson.new() c.decode_invalid_numbers(false) return pcall(c.decode,'0x10')",
    "false Expected value but found invalid number at character 1",
  ],
]);

testShown("errors", [
  [
    "return pcall(cjson.encode_max_depth,0)",
    "false bad argument #1 to '?' (expected integer between 1 and 2147483647)",
  ],
  ["return pcall(cjson.encode)", "false bad argument #1 to '?' (expected 1 argument)"],
  [
    "return pcall(cjson.encode_keep_buffer,'x')",
    "false bad argument #1 to '?' (invalid option 'x')",
  ],
]);
