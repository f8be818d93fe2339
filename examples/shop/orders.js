// Orders: takes an order if the inventory has enough of the article.
//
// A plugin in plain Node, without any library. It answers the host over the socket whose number is in HOTHOUSE_FD, and
// asks it over the same one: `host/call` reaches the plugins that it depends on. What it prints goes to its log.
'use strict';

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const readline = require('node:readline');

const channel = new net.Socket({ fd: Number(process.env.HOTHOUSE_FD) });
const send = (message) => channel.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

const waiting = new Map(); // what was asked of the host, by the number of the question
let asked = 0;

function callPlugin(plugin, method, payload) {
  send({ id: ++asked, method: 'host/call', params: { plugin, method, payload, deadlineMs: 2000 } });
  return new Promise((resolve, reject) => waiting.set(asked, { resolve, reject }));
}

let data, currency, prices;
const orders = [];

const methods = {
  async place({ article, count }) {
    await callPlugin('inventory', 'put', { article, count: -count });
    // Nobody must have discounts: without them the full price is asked.
    const percent = await callPlugin('discounts', 'percent', { count }).catch(() => 0);
    const total = Math.round(count * prices[article] * (100 - percent)) / 100;
    const order = { number: orders.length + 1, article, count, total, currency };
    orders.push(order);
    fs.appendFileSync(path.join(data, 'orders.log'), `order ${order.number}: ${count} x ${article}\n`);
    return order;
  },
  list: () => orders,
};

const verbs = {
  init({ config, context }) {
    data = config.data;
    currency = context?.currency ?? 'EUR';
    return { contract: 1, methods: ['place', { name: 'list', readonly: true }], verbs: ['start'] };
  },
  start() {
    prices = JSON.parse(fs.readFileSync(path.join(data, 'prices.json'), 'utf8'));
    fs.writeFileSync(path.join(data, 'orders.log'), '');
  },
  call: ({ method, payload }) => methods[method](payload),
};

async function answer({ id, method, params }) {
  try {
    send({ id, result: (await verbs[method](params)) ?? null });
  } catch ({ message, data }) {
    send({ id, error: { code: -32000, message, data } }); // `data` names the code, if it came from another plugin
  }
}

readline.createInterface({ input: channel }).on('line', (line) => {
  const message = JSON.parse(line);
  if (message.method) {
    if ('id' in message) answer(message); // what has none, such as `cancel`, expects no answer
  } else {
    const { resolve, reject } = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error) reject(message.error);
    else resolve(message.result);
  }
});
