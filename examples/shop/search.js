// Search: answers which articles contain a word, one question per line on a unix socket.
//
// A plain program: it does not know the host. That it is ready can be seen in its log.
'use strict';

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const readline = require('node:readline');

const data = process.env.SHOP_DATA;
const socket = path.join(data, 'search.sock');
const articles = Object.keys(JSON.parse(fs.readFileSync(path.join(data, 'stock.json'), 'utf8')));

const server = net.createServer((client) => {
  client.on('error', () => client.destroy()); // it went away: nobody waits for the answer
  readline.createInterface({ input: client }).on('line', (word) => {
    client.write(`${JSON.stringify(articles.filter((article) => article.includes(word)))}\n`);
  });
});

fs.rmSync(socket, { force: true }); // left behind by one that was killed
server.listen(socket, () => console.log(`search: listening on ${socket}, ${articles.length} articles`));

process.on('SIGTERM', () => {
  fs.rmSync(socket, { force: true });
  process.exit(0);
});
