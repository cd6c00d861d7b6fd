"""An explanation as a picture, by matplotlib, which nothing else of the page needs."""

from app.explain.page.drawing.picture import picture as picture
