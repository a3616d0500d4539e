// LangChain's chat models for OpenAI and for Mistral: `langchain.mjs openai|mistral`.

import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatMistralAI } from "@langchain/mistralai";
import { ChatOpenAI } from "@langchain/openai";

import { City, HELLO, PARIS, Place, RIVERS, WEATHER, serve, told } from "./lines.mjs";

const kind = process.argv[2];
// Left alone it tries seven times, for two minutes, whatever the answer says about trying again.
const maxRetries = 2;
const models = {
  openai: ({ baseURL }) => ({ Model: ChatOpenAI, configuration: { baseURL } }),
  mistral: ({ url }) => ({ Model: ChatMistralAI, serverURL: url }),
};

function model(job) {
  const { Model, ...options } = models[kind](job);
  return new Model({ model: job.model, apiKey: job.key, maxRetries, ...options });
}

async function loop(job, turn) {
  const weather = tool(job.getWeather, { name: "get_weather", description: "The weather in a city.", schema: Place });
  const bound = model(job).bindTools([weather]);
  const messages = [new HumanMessage(WEATHER)];
  for (;;) {
    const answer = await turn(bound, messages);
    if (!answer.tool_calls?.length) return { text: answer.text, ran: job.ran };
    messages.push(answer);
    for (const call of answer.tool_calls) messages.push(await weather.invoke(call));
  }
}

async function streamed(bound, messages) {
  let answer;
  for await (const chunk of await bound.stream(messages)) answer = answer === undefined ? chunk : answer.concat(chunk);
  return answer;
}

await serve(`@langchain/${kind}${kind === "mistral" ? "ai" : ""}`, {
  chat: async (job) => ({ text: (await model(job).invoke(HELLO)).text }),
  async stream(job) {
    const pieces = [];
    for await (const chunk of await model(job).stream(RIVERS)) pieces.push(chunk.text);
    return told(pieces);
  },
  tools: (job) => loop(job, (bound, messages) => bound.invoke(messages)),
  tools_stream: (job) => loop(job, streamed),
  structured: (job) => model(job).withStructuredOutput(City).invoke(PARIS),
});
