"""The page of a model: how good it is, what it looks at, what else was tried, its versions, and how to call it."""

from app.pages.model.page import shown as shown
