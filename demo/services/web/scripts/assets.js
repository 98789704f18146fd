// Writes public/cards/<theme>-<width>.png: the woven backgrounds of the product cards.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { crc32, deflateSync } from "node:zlib";

const { themes, widths, compressionLevel } = JSON.parse(readFileSync("assets.json", "utf8"));

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "ascii"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

function weave(seed, width, height) {
  const rows = Buffer.alloc((width * 3 + 1) * height);
  let at = 0;
  for (let y = 0; y < height; y += 1) {
    at += 1; // each row starts with its filter type, 0
    for (let x = 0; x < width; x += 1) {
      const thread = Math.sin(x / (3 + (seed[3] % 5))) * Math.cos(y / (3 + (seed[4] % 5)));
      for (let channel = 0; channel < 3; channel += 1) {
        rows[at] = (seed[channel] + thread * 40 + (x * y) / (width * 8)) & 255;
        at += 1;
      }
    }
  }
  return rows;
}

function png(theme, width) {
  const height = Math.round((width * 3) / 4);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB
  const seed = createHash("sha256").update(theme).digest();
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(weave(seed, width, height), { level: compressionLevel })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

mkdirSync("public/cards", { recursive: true });
for (const theme of themes) {
  for (const width of widths) {
    const image = png(theme, width);
    writeFileSync(`public/cards/${theme}-${width}.png`, image);
    console.log(`${theme}-${width}.png ${image.length} bytes`);
  }
}
