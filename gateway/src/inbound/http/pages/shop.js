// The menu, the order form and the customer's orders.
"use strict";

const $ = (id) => document.getElementById(id);
const money = (m) => (m ? `${(m.amount_minor / 100).toFixed(2)} ${m.currency.toUpperCase()}` : "");

function cell(row, content) {
  const td = row.insertCell();
  td.append(content);
  return td;
}

async function getJson(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" } });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail || answer.statusText);
  return body;
}

async function showMenu() {
  const { items } = await getJson("/api/items");
  const menu = $("menu");
  menu.replaceChildren();
  for (const item of items) {
    const row = menu.insertRow();
    cell(row, item.name);
    cell(row, money(item.price));
    cell(row, String(item.available));
    const quantity = document.createElement("input");
    Object.assign(quantity, { type: "number", min: 0, max: 1000, value: 0 });
    quantity.dataset.item = item.id;
    quantity.setAttribute("aria-label", `Quantity of ${item.name}`);
    cell(row, quantity);
  }
}

function orderPage(order) {
  const query = new URLSearchParams({ customer_id: order.customer_id, order_id: order.id });
  return `/success.html?${query}`;
}

async function showOrders() {
  const customer = $("customer").value;
  const list = $("orders");
  list.replaceChildren();
  if (!$("customer").checkValidity()) return;
  const { orders } = await getJson(`/api/customers/${encodeURIComponent(customer)}/orders`);
  for (const order of orders) {
    const link = document.createElement("a");
    link.href = orderPage(order);
    link.textContent = order.id;
    const entry = document.createElement("li");
    entry.append(link, ` ${order.status} ${money(order.total)}`);
    list.append(entry);
  }
}

function wanted() {
  const inputs = [...document.querySelectorAll("input[data-item]")];
  return inputs
    .map((input) => ({ id: input.dataset.item, quantity: Number.parseInt(input.value, 10) || 0 }))
    .filter((line) => line.quantity > 0);
}

function orderBody() {
  const body = { items: wanted() };
  if ($("note").value) body.note = $("note").value;
  if ($("email").value) body.email = $("email").value;
  return JSON.stringify(body);
}

// One key per content: pressing the button twice places one order.
let key = { body: "", value: "" };
function keyFor(body) {
  if (key.body !== body) {
    const random = crypto.getRandomValues(new Uint32Array(4));
    key = { body, value: [...random].map((n) => n.toString(16)).join("-") };
  }
  return key.value;
}

async function place(event) {
  event.preventDefault();
  const body = orderBody();
  const path = `/api/customers/${encodeURIComponent($("customer").value)}/orders`;
  const headers = { "content-type": "application/json", "idempotency-key": keyFor(body + path) };
  $("message").textContent = "Placing the order…";
  const answer = await fetch(path, { method: "POST", headers, body });
  const placed = await answer.json();
  key = { body: "", value: "" };
  if (!answer.ok) throw new Error(placed.detail || answer.statusText);
  const link = placed.order.payment_link || "";
  location.assign(/^https?:\/\//.test(link) ? link : orderPage(placed.order));
}

const say = (error) => { $("message").textContent = error.message; };
$("order").addEventListener("submit", (event) => place(event).catch(say));
$("customer").addEventListener("change", () => showOrders().catch(say));
showMenu().catch(say);
showOrders().catch(say);
