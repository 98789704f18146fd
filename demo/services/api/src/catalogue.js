import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";

const PAGE_SIZE = 25;
const loaded = new Map();

function catalogue(locale) {
  if (!loaded.has(locale)) {
    const file = new URL(`../dist/catalogue.${locale}.json.br`, import.meta.url);
    loaded.set(locale, JSON.parse(brotliDecompressSync(readFileSync(file)).toString("utf8")));
  }
  return loaded.get(locale);
}

export function listProducts(locale, page) {
  const start = (page - 1) * PAGE_SIZE;
  return catalogue(locale).slice(start, start + PAGE_SIZE);
}

export function findProduct(locale, sku) {
  return catalogue(locale).find((product) => product.sku === sku);
}
