"""What operators do beside serving: look at a deployment, keep its models in a file, restore them."""
