// Reads messages from the standard input, and says of each whether the standardwebhooks package takes it;
// signs one of its own for us to verify.
const { readFileSync } = require("node:fs");
const { Webhook } = require(require.resolve("standardwebhooks", { paths: [process.cwd()] }));

const { secret, messages, unsigned } = JSON.parse(readFileSync(0, "utf8"));
const webhook = new Webhook(secret);
const taken = messages.map(({ headers, body }) => {
  try {
    webhook.verify(body, headers);
    return true;
  } catch {
    return false;
  }
});
const at = new Date();
const signed = {
  "webhook-id": unsigned.id,
  "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
  "webhook-signature": webhook.sign(unsigned.id, at, unsigned.body),
};
process.stdout.write(JSON.stringify({ taken, signed }));
