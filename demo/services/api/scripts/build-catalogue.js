// Writes dist/catalogue.<locale>.json.br: the catalogue of each locale, compressed once here
// so that the service never compresses at run time.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, constants } from "node:zlib";

const source = JSON.parse(readFileSync("data/catalogue.json", "utf8"));
const locales = (process.env.LOCALES ?? "en").split(",");

function pick(list, digest, byte) {
  return list[digest[byte] % list.length];
}

function product(number, words) {
  const digest = createHash("sha256").update(`product ${number}`).digest();
  const kind = pick(source.kinds, digest, 0);
  const material = pick(source.materials, digest, 1);
  const adjectives = [2, 3, 4].map((byte) => pick(words, digest, byte));
  return {
    sku: `${kind}-${digest.toString("hex", 5, 11)}`,
    title: `${adjectives[0]} ${material} ${kind}`,
    description: `${adjectives.join(", ")}: a ${kind} of ${material}, number ${number}.`,
    priceCents: 900 + (digest.readUInt16BE(12) % 40000),
    stock: digest[14],
  };
}

mkdirSync("dist", { recursive: true });
for (const locale of locales) {
  const products = Array.from({ length: source.products }, (_, index) =>
    product(index + 1, source.words[locale]),
  );
  const plain = Buffer.from(JSON.stringify(products));
  const packed = brotliCompressSync(plain, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 },
  });
  writeFileSync(`dist/catalogue.${locale}.json.br`, packed);
  console.log(`${locale}: ${products.length} products, ${plain.length} -> ${packed.length} bytes`);
}
