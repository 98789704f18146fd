import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createApp } from "../src/app.js";

let server;
let address;

before(async () => {
  server = createApp().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  address = `http://127.0.0.1:${server.address().port}`;
});

after(() => server.close());

test("health says ok", async () => {
  const response = await fetch(`${address}/healthz`);
  assert.equal((await response.json()).status, "ok");
});

test("a page has 25 products", async () => {
  const response = await fetch(`${address}/products?page=2`);
  assert.equal((await response.json()).length, 25);
});

test("an unknown product is a 404", async () => {
  const response = await fetch(`${address}/products/none`);
  assert.equal(response.status, 404);
});
