import express from "express";
import { findProduct, listProducts } from "./catalogue.js";

export function createApp() {
  const app = express();
  app.disable("x-powered-by");

  app.get("/healthz", (request, response) => {
    response.json({ status: "ok", version: process.env.APP_VERSION ?? "dev" });
  });

  app.get("/products", (request, response) => {
    response.json(listProducts(request.query.locale ?? "en", Number(request.query.page ?? 1)));
  });

  app.get("/products/:sku", (request, response) => {
    const product = findProduct(request.query.locale ?? "en", request.params.sku);
    if (!product) {
      response.status(404).json({ error: "unknown product" });
      return;
    }
    response.json(product);
  });

  return app;
}
