"""Dead letters kept on their topic: read, shown, redriven. Who writes them uses ``runtime.dead_letters``."""
