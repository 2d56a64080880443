"""What `ocr_and_voice.py` and the benchmark of it see and hear, and how they read a page."""
