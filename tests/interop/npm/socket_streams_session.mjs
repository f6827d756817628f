/**
 * The adapter of socket.io over streams: deno run … socket_streams_session.mjs <port>. Two servers
 * and three clients. Prints one JSON line per step.
 */

const port = Number(Deno.args[0]);
const { default: Redis } = await import("npm:ioredis@5");
const { Server } = await import("npm:socket.io@4");
const { io } = await import("npm:socket.io-client@4");
const { createAdapter } = await import("npm:@socket.io/redis-streams-adapter@0.2");
const { createServer } = await import("node:http");

function show(name, value) {
  const line = JSON.stringify([name, value]) + "\n";
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}

async function serve() {
  const client = new Redis({ port });
  const http = createServer();
  const server = new Server(http, {
    adapter: createAdapter(client, { heartbeatInterval: 200 }),
    connectionStateRecovery: {},
  });
  await new Promise((done) => http.listen(0, "127.0.0.1", done));
  return { server, port: http.address().port, client };
}

async function connect({ port }) {
  const socket = io(`http://127.0.0.1:${port}`, { transports: ["websocket"] });
  await new Promise((done) => socket.on("connect", done));
  return socket;
}

function hears(socket, event) {
  return new Promise((done) => socket.once(event, done));
}

async function until(condition) {
  while (!await condition()) await new Promise((done) => setTimeout(done, 20));
}

const [one, other] = [await serve(), await serve()];
for (const { server } of [one, other]) {
  server.on("connection", (socket) => {
    socket.on("join", async (room, done) => {
      await socket.join(room);
      done();
    });
    socket.on("to all", (text) => socket.broadcast.emit("said", text));
    socket.on("ask", (done) => done(server.engine.clientsCount));
  });
}
// Each has to know of the other before what it says to all arrives.
await until(async () => await one.server.of("/").adapter.serverCount() === 2);
await until(async () => await other.server.of("/").adapter.serverCount() === 2);
show("servers", [await one.server.of("/").adapter.serverCount()]);

const [a, b, c] = [await connect(one), await connect(other), await connect(other)];
const all = Promise.all([hears(a, "news"), hears(b, "news"), hears(c, "news")]);
one.server.emit("news", { bytes: new Uint8Array([1, 255]), text: "to all" });
show("to all", (await all).map(({ bytes, text }) => [[...bytes], text]));

const others = Promise.all([hears(b, "said"), hears(c, "said")]);
a.emit("to all", "from a");
show("from a client", await others);

await b.emitWithAck("join", "room");
const inRoom = hears(b, "inside");
one.server.to("room").emit("inside", 7);
show("to a room of the other server", await inRoom);

const sockets = await one.server.fetchSockets();
show("sockets", [sockets.length, (await other.server.in("room").fetchSockets()).length]);

const answers = hears(other.server, "between");
one.server.serverSideEmit("between", "servers");
show("between servers", await answers);

b.on("with answer", (done) => done("b"));
c.on("with answer", (done) => done("c"));
a.on("with answer", (done) => done("a"));
show("answers", (await one.server.timeout(60_000).emitWithAck("with answer")).toSorted());

await one.server.in("room").disconnectSockets(true);
await until(() => b.disconnected);
show("sent away", [b.disconnected, c.connected]);

const kept = await one.client.xlen("socket.io");
show("stream", kept > 0);
Deno.exit(0);
