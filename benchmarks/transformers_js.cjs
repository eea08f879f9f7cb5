// Compute the outputs of an ONNX export with transformers.js, in fp32 and from the quantized files.
//
//     ONNXRUNTIME_NODE_INSTALL=skip npm i --prefix NODE @huggingface/transformers
//     NODE_PATH=NODE/node_modules node benchmarks/transformers_js.cjs EXPORT TEXTS.json OUTPUTS.json
//
// TEXTS.json is a list of texts. OUTPUTS.json gets the token ids and the outputs of each folder of EXPORT. Nothing is
// downloaded.
const fs = require("fs");
const path = require("path");
const { AutoModel, AutoModelForMaskedLM, AutoTokenizer, env } = require("@huggingface/transformers");

const [folder, texts, outputs] = process.argv.slice(2);
const CLASSES = { discriminator: AutoModel, encoder: AutoModel, generator: AutoModelForMaskedLM };

async function computed(name, dtype) {
  const tokenizer = await AutoTokenizer.from_pretrained(name);
  const model = await CLASSES[name].from_pretrained(name, { dtype });
  const inputs = await tokenizer(JSON.parse(fs.readFileSync(texts, "utf8")), { padding: true, truncation: true });
  const { logits, last_hidden_state } = await model(inputs);
  const values = Array.from((logits ?? last_hidden_state).data);
  return { ids: Array.from(inputs.input_ids.data, Number), values };
}

async function main() {
  env.allowRemoteModels = false;
  env.localModelPath = path.resolve(folder) + path.sep;
  const results = {};
  for (const name of Object.keys(CLASSES)) {
    results[name] = { fp32: await computed(name, "fp32"), q8: await computed(name, "q8") };
  }
  fs.writeFileSync(outputs, JSON.stringify(results));
}

main();
