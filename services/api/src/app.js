import { formatCents } from "#shared";
import express from "express";

const PRODUCTS = [
  { id: 1, name: "Kettle", cents: 3490 },
  { id: 2, name: "Lamp", cents: 5900 },
];

export function createApp({ flags = new Set(), version = "dev" } = {}) {
  const app = express();
  app.disable("x-powered-by");
  app.get("/healthz", (_request, response) => response.json({ status: "ok", version }));
  app.get("/products", (_request, response) => response.json(PRODUCTS.map(withPrice)));
  app.get("/products/:id", (request, response) => {
    const found = PRODUCTS.find((product) => String(product.id) === request.params.id);
    if (!found) return response.status(404).json({ error: "There is no such product." });
    return response.json({ ...withPrice(found), related: flags.has("related") ? others(found) : [] });
  });
  return app;
}

function withPrice(product) {
  return { ...product, price: formatCents(product.cents) };
}

function others(product) {
  return PRODUCTS.filter((other) => other.id !== product.id).map((other) => other.id);
}
