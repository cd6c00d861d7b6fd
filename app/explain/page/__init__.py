"""An explanation as people see it: a page that needs nothing else, and a picture."""

from app.explain.page.document import html as html
from app.explain.page.document import shown as shown
from app.explain.page.drawing import picture as picture
