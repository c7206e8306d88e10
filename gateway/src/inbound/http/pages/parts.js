// What the pages share.

export const $ = (id) => document.getElementById(id);

export const money = (m) => (m ? `${(m.amount_minor / 100).toFixed(2)} ${m.currency.toUpperCase()}` : "");

export const say = (error) => { $("message").textContent = error.message; };

// Answers with the JSON, or fails with what the problem document says.
export async function ask(method, path, headers = {}, body = undefined) {
  const answer = await fetch(path, { method, headers, body });
  const json = await answer.json();
  if (!answer.ok) throw new Error(json.detail || answer.statusText);
  return json;
}

export const customerPath = (customer) => `/api/customers/${encodeURIComponent(customer)}/orders`;

export const isWebLink = (link) => /^https?:\/\//.test(link || "");
