"""The language model: the one room that may name LangChain and OpenAI."""
