// Reads workflows from the standard input, and writes each node's parameters as n8n's editor would save them.
const { readFileSync } = require("node:fs");
const here = { paths: ["node_modules/n8n"] };
const { NodeHelpers } = require(require.resolve("n8n-workflow", here));
const kinds = require(require.resolve("n8n-nodes-base/dist/types/nodes.json", here));

const saved = JSON.parse(readFileSync(0, "utf8")).map((workflow) =>
  workflow.nodes.map((node) => {
    const kind = kinds.find(
      ({ name, version }) =>
        `n8n-nodes-base.${name}` === node.type && [version].flat().includes(node.typeVersion),
    );
    return NodeHelpers.getNodeParameters(kind.properties, node.parameters, false, false, node, kind);
  }),
);
process.stdout.write(JSON.stringify(saved));
