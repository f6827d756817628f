/** cmsgpack. */
import { testShown } from "../support/lua_host.ts";

testShown("bytes", [
  [
    "local function h(s) return (s:gsub('.',function(c) return string.format('%02x',c:byte()) end)) end return h(cmsgpack.pack(1,-33,300,2^32,1.5,0.1)),h(cmsgpack.pack('a',true,nil,{1},{a=2}))",
    "01d0dfcd012ccf0000000100000000ca3fc00000cb3fb999999999999a a161c3c0910181a16102",
  ],
]);

testShown("back again", [
  [
    "return cmsgpack.unpack(cmsgpack.pack(1,'b',{1,{2}},true,-40000,1.5))",
    "1 b {1,{2}} true -40000 1.5",
  ],
  ["return cmsgpack.unpack_one('\\1\\2\\3',1)", "2 2"],
  ["return cmsgpack.unpack_limit('\\1\\2\\3',2)", "2 1 2"],
]);

testShown("errors", [
  ["return pcall(cmsgpack.unpack,'\\193')", "false Bad data format in input."],
  ["return pcall(cmsgpack.unpack,'\\205\\1')", "false Missing bytes in input."],
  ["return pcall(cmsgpack.pack)", "false bad argument #0 to '?' (MessagePack pack needs input.)"],
  [
    "return pcall(cmsgpack.unpack_one,'\\1',5)",
    "false Start offset 5 greater than input length 1.",
  ],
]);
