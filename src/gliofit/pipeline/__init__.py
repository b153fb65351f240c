"""What the workflow needs beside the science: its config, its jobs, and what makes them run again."""
