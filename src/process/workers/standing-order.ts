import type { LogSettings, Settings } from "../../config/settings.ts";
import type { HeldName } from "../../lib/held-name.ts";
import type { ListenAddress } from "./listen-address.ts";
import type { StartOrder } from "./messages.ts";
import type { SeatOrder } from "./worker-seat.ts";

/** What workers that start from now on are told to serve. */
export class StandingOrder {
  #order: StartOrder;

  constructor(order: StartOrder) {
    this.#order = order;
  }

  get settings(): Settings {
    return this.#order.settings;
  }

  setReadOnly(on: boolean): void {
    this.#order = withReadOnly(this.#order, on);
  }

  setHeldNames(heldNames: readonly HeldName[]): void {
    this.#order = { ...this.#order, heldNames };
  }

  setLog(log: LogSettings): void {
    this.#order = { ...this.#order, settings: { ...this.#order.settings, log } };
  }

  /** To be called when the shared socket is closed, and opened again by the next worker. */
  setAddress(address: ListenAddress): void {
    this.#order = { ...this.#order, address };
  }

  /**
   * @param seat - of another store that they are to serve
   * @returns the order for workers that are to take the place of the others
   */
  withSettings(settings: Settings, seat?: SeatOrder): StartOrder {
    const secret = settings.http.secret === "" ? this.#order.secret : settings.http.secret;
    return { ...this.#order, ...seat, settings, secret };
  }

  /** Workers with another order have taken the place of all. */
  replaceBy(order: StartOrder): void {
    this.#order = this.orderFor(order);
  }

  /**
   * @param own - what the worker is to serve in the place of what all others do
   * @returns what it is told. Where it listens, and whether it takes writes, may have changed since its own order was made
   */
  orderFor(own: StartOrder | undefined): StartOrder {
    const { address, settings, heldNames } = this.#order;
    return { ...withReadOnly(own ?? this.#order, settings.readOnly), address, heldNames };
  }
}

function withReadOnly(order: StartOrder, readOnly: boolean): StartOrder {
  return { ...order, settings: { ...order.settings, readOnly } };
}
