"""Finding what answers a question, among the knowledge base's facts and documents alike."""
