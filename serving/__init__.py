"""What the app adds to Gradio's server: limits, headers, health, metrics. Knows no tab."""
