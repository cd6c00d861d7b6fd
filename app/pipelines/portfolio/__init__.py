"""Many kinds of models in the time there is, and the best mix of them."""

from app.pipelines.portfolio.engine import PortfolioEngine as PortfolioEngine
