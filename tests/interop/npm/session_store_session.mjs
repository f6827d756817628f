/**
 * A web server whose sessions are kept by connect-redis, and a browser's visits to it:
 * deno run … session_store_session.mjs <port>. Prints one JSON line per step.
 */

const { createClient } = await import("npm:redis@5");
const { default: express } = await import("npm:express@5");
const { default: session } = await import("npm:express-session@1");
const { RedisStore } = await import("npm:connect-redis@9");

function show(name, value) {
  const line = JSON.stringify([name, value]) + "\n";
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}

const client = createClient({ url: `redis://127.0.0.1:${Deno.args[0]}` });
await client.connect();
const store = new RedisStore({ client, prefix: "session:", ttl: 100 });

const app = express();
app.use(session({ store, secret: "of the test", resave: false, saveUninitialized: false }));
app.get("/", (request, response) => {
  request.session.views = (request.session.views ?? 0) + 1;
  response.json(request.session.views);
});
app.get("/leave", (request, response) => request.session.destroy(() => response.json("gone")));

/** A visitor with a cookie of its own. */
function visitor(origin) {
  let cookie = "";
  return async (path) => {
    const response = await fetch(origin + path, { headers: cookie === "" ? {} : { cookie } });
    cookie = response.headers.get("set-cookie")?.split(";")[0] ?? cookie;
    return await response.json();
  };
}

/** The result of a method of the store that calls back. */
const ask = (method) => new Promise((done) => store[method]((_, result) => done(result)));

const server = await new Promise((listening) => {
  const started = app.listen(0, "127.0.0.1", () => listening(started));
});
const origin = `http://127.0.0.1:${server.address().port}`;
const one = visitor(origin);
const other = visitor(origin);
show("visits", [await one("/"), await other("/"), await one("/"), await one("/")]);
show("sessions", await ask("length"));
show("views", (await ask("all")).map(({ views }) => views).sort());
const [key] = await client.keys("session:*");
show("expires", (await client.ttl(key)) > 90);
show("left", await one("/leave"));
show("sessions", await ask("length"));
show("begins anew", await one("/"));
await new Promise((done) => store.clear(done));
show("cleared", await client.dbSize());
Deno.exit(0);
