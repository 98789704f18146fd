import assert from "node:assert/strict";
import { test } from "node:test";

import { formatCents } from "../src/money.js";

test("cents become an amount", () => {
  assert.equal(formatCents(123456), "€1,234.56");
  assert.equal(formatCents(-5), "-€0.05");
});

test("parts of a cent are refused", () => {
  assert.throws(() => formatCents(1.5), TypeError);
});
