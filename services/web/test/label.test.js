import assert from "node:assert/strict";
import { test } from "node:test";

import { labelOf } from "../src/label.js";

test("a product has its name and price", () => {
  assert.equal(labelOf({ name: "Lamp", cents: 5900 }), "Lamp, €59.00");
});
