"""What the web pages show: words, figures and forms, of what the API answers. They offer nothing that it does not."""
