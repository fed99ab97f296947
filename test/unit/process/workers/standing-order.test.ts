import { expect, it } from "vitest";
import { readConfig } from "../../../../src/config/read-config.ts";
import type { StartOrder } from "../../../../src/process/workers/messages.ts";
import { StandingOrder } from "../../../../src/process/workers/standing-order.ts";

it("tells workers that start later, whatever they are to serve, which names are held", () => {
  const { settings } = readConfig("version: 0.1\nstorage: {inmemory: {}}\n", "c.yml", {});
  if (settings === undefined) throw new Error("the configuration is wrong");
  const first: StartOrder = {
    ...{
      settings,
      address: { kind: "tcp", host: "127.0.0.1", port: 5000 },
      secret: "s",
      readOnlyStore: false,
    },
    ...{ leaseFolder: undefined, leaseMs: 1, rateFolder: undefined, slices: [] },
  };
  const order = new StandingOrder(first);
  const own = order.withSettings(settings);
  const held = [{ name: "group/app", isProject: true }];
  order.setHeldNames(held);
  expect(order.orderFor(undefined).heldNames).toEqual(held);
  expect(order.orderFor(own).heldNames).toEqual(held);
  order.replaceBy(own);
  expect(order.orderFor(undefined).heldNames).toEqual(held);
});
