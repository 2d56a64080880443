"""What the example and the benchmark `ocr_and_voice` see and hear, and how they read a page."""
