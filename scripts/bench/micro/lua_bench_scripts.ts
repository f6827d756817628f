/** The scripts of lua_bench: one per thing that scripts spend their time on. */

export const BENCH_SCRIPTS: Readonly<Record<string, string>> = {
  "1M additions": "local s=0 for i=1,1000000 do s=s+i end return s",
  "1M additions, untyped": "local s=tonumber('0') for i=1,1000000 do s=s+i end return s",
  "fib(24)": "local function fib(n) if n<2 then return n end return fib(n-1)+fib(n-2) end " +
    "return fib(24)",
  "fields": "local t={x=1,y=2,z=3} local s=0 " +
    "for i=1,100000 do s=s+t.x+t.y t.z=s end return s",
  "list fill and sum": "local t={} for i=1,100000 do t[i]=i end local s=0 " +
    "for i=1,#t do s=s+t[i] end return s",
  "pairs": "local t={} for i=1,1000 do t['k'..i]=i end local s=0 " +
    "for r=1,100 do for k,v in pairs(t) do s=s+v end end return s",
  "ipairs": "local t={} for i=1,1000 do t[i]=i end local s=0 " +
    "for r=1,100 do for i,v in ipairs(t) do s=s+v end end return s",
  "concat 10k": "local s='' for i=1,10000 do s=s..'x' end return #s",
  "table.concat 20k": "local t={} for i=1,20000 do t[#t+1]=i..':' end " +
    "return #table.concat(t,',')",
  "sort 10k": "local t={} local x=42 for i=1,10000 do x=(x*1103515245+12345)%2147483648 " +
    "t[i]=x end table.sort(t) return t[1]",
  "sort 10k, function": "local t={} local x=42 for i=1,10000 do " +
    "x=(x*1103515245+12345)%2147483648 t[i]=x end " +
    "table.sort(t,function(a,b) return a>b end) return t[1]",
  "gsub": "local s=('hello world '):rep(200) local n=0 " +
    "for i=1,20 do local r,c=s:gsub('%w+',function(w) return w:upper() end) n=n+c end return n",
  "gsub, text": "local s=('hello world '):rep(200) local n=0 " +
    "for i=1,20 do local r,c=s:gsub('o','0') n=n+c end return n",
  "gmatch": "local s=('key=value, '):rep(200) local n=0 " +
    "for i=1,20 do for k,v in s:gmatch('(%w+)=(%w+)') do n=n+1 end end return n",
  "find and sub": "local s=('a,b;'):rep(500) local n=0 local p=1 while true do " +
    "local a,b=s:find('[,;]',p) if not a then break end n=n+#s:sub(p,a-1) p=b+1 end return n",
  "byte and char": "local t={} for i=1,20000 do t[i]=string.char((i*7)%256) end " +
    "local s=table.concat(t) local n=0 for i=1,#s do n=n+s:byte(i) end return n",
  "format":
    "local n=0 for i=1,10000 do n=n+#string.format('%d:%s:%05.2f',i,'abc',i/3) end return n",
  "cjson decode 2 KB": cjsonScript("for i=1,100 do cjson.decode(s) end return 1"),
  "cjson encode 2 KB": cjsonScript(
    "local t=cjson.decode(s) for i=1,100 do cjson.encode(t) end " +
      "return 1",
  ),
  "cmsgpack 2 KB": cjsonScript(
    "local t=cjson.decode(s) for i=1,100 do " +
      "cmsgpack.unpack(cmsgpack.pack(t)) end return 1",
  ),
  "1000 pcall(error)": "for i=1,1000 do pcall(error,'x') end return 1",
  "1000 error with position": "local f=function() error('x') end " +
    "for i=1,1000 do pcall(f) end return 1",
  "closures":
    "local s=0 for i=1,100000 do local f=function(x) return x+i end s=s+f(1) end return s",
  "method calls": "local C={} C.__index=C function C:add(n) self.v=self.v+n return self end " +
    "local o=setmetatable({v=0},C) for i=1,100000 do o:add(i) end return o.v",
  "varargs": "local function f(...) return select('#',...)+select(1,...) end local s=0 " +
    "for i=1,50000 do s=s+f(i,2,3) end return s",
  "100 host calls": "for i=1,100 do redis.log(redis.LOG_DEBUG,'x') end return 1",
  "small script": "local n=tonumber('5') if n>3 then return {n,'ok'} end return 0",
};

/** A script with 2 KB of JSON in the variable "s". */
function cjsonScript(rest: string): string {
  return 'local p={} for i=1,20 do p[i]=\'{"id":\'..i..\',"name":"user\'..i..' +
    '\'","tags":["a","b",\'..i..\'],"score":\'..(i/7)..\',"ok":true,"n":null}\' end ' +
    "local s='['..table.concat(p,',')..']' " + rest;
}

/** A script of about so many bytes, different for each number: a rate limiter, again and again. */
export function scriptOfBytes(bytes: number, number: number): string {
  let script = `local total = ${number}\n`;
  for (let i = 0; script.length < bytes; i++) {
    script += `local function limit${i}(key, max, window)
  local count = tonumber(key) or 0
  if count >= max then
    return { 0, max - count, 'limited:' .. key }
  end
  for step = 1, 3 do
    count = count + step * window
  end
  return { 1, count, string.format('%s:%d', key, count) }
end
total = total + limit${i}('${i}', 100, 2)[2]
`;
  }
  return script + "return total\n";
}
