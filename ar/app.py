"""The web service: the routers of all rooms on one app. Assembly only."""

from anyio import CapacityLimiter
from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from ar.cash import api as cash_api
from ar.cash import pages as cash_pages
from ar.cash.bank import api as bank_api
from ar.cash.collections import api as collections_api
from ar.cash.gateways import TEST_GATEWAY_PATH
from ar.cash.mandates import api as mandates_api
from ar.cash.matching import api as matching_api
from ar.cash.mount import stand_in
from ar.cash.online import api as cash_online_api
from ar.cash.plans import api as plans_api
from ar.cash.remittance import api as remittance_api
from ar.core.access import api as access_api
from ar.core.access import pages as access_pages
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.outbox import api as outbox_api
from ar.core.outbox import pages as outbox_pages
from ar.core.render import STATIC
from ar.core.sms import api as sms_api
from ar.core.web import MenuEntry, health, openapi, problems
from ar.core.web.limiting import Limiter
from ar.core.web.security import Perimeter
from ar.core.webhooks import api as webhooks_api
from ar.credit import api as credit_api
from ar.credit import pages as credit_pages
from ar.customers import api as customers_api
from ar.customers import pages as customers_pages
from ar.customers.pages import Card
from ar.disputes import api as disputes_api
from ar.disputes import pages as disputes_pages
from ar.ledger import api as ledger_api
from ar.ledger import pages as ledger_pages
from dunning import api as dunning_api
from dunning import pages as dunning_pages
from dunning import policy_api, policy_pages
from dunning.attention import api as attention_api
from dunning.calls import api as calls_api
from dunning.experiments import api as experiments_api
from dunning.experiments import pages as experiments_pages
from dunning.letters import api as letters_api
from dunning.replies import api as replies_api
from dunning.replies import pages as replies_pages
from dunning.simulation import api as simulation_api
from dunning.texts import api as dunning_texts_api
from dunning.texts import pages as dunning_texts_pages
from dunning.worklist import api as worklist_api
from dunning.worklist import pages as worklist_pages
from invoicing import api as invoicing_api
from invoicing import pages as invoicing_pages
from invoicing.billing import api as billing_api
from invoicing.billing import pages as billing_pages
from invoicing.billing import plan_pages as billing_plan_pages
from invoicing.delivery import api as delivery_api
from invoicing.delivery import batch_pages as delivery_batch_pages
from invoicing.delivery import pages as delivery_pages
from invoicing.einvoice import api as einvoice_api
from invoicing.einvoice import pages as einvoice_pages
from invoicing.einvoice.read import api as einvoice_read_api
from invoicing.einvoice.read import pages as einvoice_read_pages
from invoicing.exports import api as exports_api
from invoicing.imports import api as imports_api
from invoicing.imports import pages as imports_pages
from invoicing.law import api as law_api
from invoicing.law import pages as law_pages
from invoicing.logos import api as logos_api
from invoicing.logos import pages as logos_pages
from invoicing.orders import api as orders_api
from invoicing.orders import entry_pages as orders_entry_pages
from invoicing.orders import pages as orders_pages
from invoicing.receipts import api as receipts_api
from invoicing.statements import api as statements_api
from invoicing.statements import pages as statements_pages
from prediction import api as prediction_api
from prediction import pages as prediction_pages
from selfservice import advice as portal_advice
from selfservice import ask as portal_ask
from selfservice import debit as portal_debit
from selfservice import notices as portal_notices
from selfservice import pages as portal_pages
from selfservice import paying as portal_paying
from selfservice import plans as portal_plans
from selfservice import promising as portal_promising
from selfservice import unsubscribe as portal_unsubscribe

ROUTERS: tuple[APIRouter, ...] = (
    portal_pages.router,  # first, for routes are tried in turn and customers outnumber staff
    portal_advice.router,
    portal_paying.router,
    portal_ask.router,
    portal_unsubscribe.router,
    portal_debit.router,
    portal_plans.router,
    portal_promising.router,
    portal_notices.router,
    health.router,
    openapi.router,
    access_api.router,
    access_pages.router,
    customers_api.router,
    customers_pages.router,
    ledger_api.router,
    ledger_pages.router,
    invoicing_api.router,
    invoicing_pages.router,
    einvoice_api.router,
    einvoice_pages.router,
    einvoice_read_api.router,  # before the imports, whose paths would take its own for an id
    einvoice_read_pages.router,
    delivery_api.router,
    delivery_pages.router,
    delivery_batch_pages.router,
    imports_api.router,
    exports_api.router,
    imports_pages.router,
    orders_api.router,
    orders_entry_pages.router,  # before the order, whose path would take "new" for an id
    orders_pages.router,
    billing_api.router,
    billing_pages.router,
    billing_plan_pages.router,
    law_api.router,
    law_pages.router,
    logos_api.router,
    logos_pages.router,
    statements_api.router,
    receipts_api.router,
    statements_pages.router,
    cash_api.router,
    remittance_api.router,
    cash_api.webhooks,
    matching_api.router,
    mandates_api.router,
    collections_api.router,
    plans_api.router,
    cash_online_api.router,
    cash_pages.router,
    bank_api.router,
    prediction_api.router,
    prediction_pages.router,
    disputes_api.router,
    disputes_pages.router,
    credit_api.router,
    credit_pages.router,
    dunning_texts_pages.router,  # before the messages, whose path would take its own for an id
    outbox_api.router,
    sms_api.router,
    sms_api.webhooks,
    webhooks_api.router,
    outbox_pages.router,
    dunning_texts_api.router,
    dunning_api.router,
    letters_api.router,
    worklist_api.router,
    calls_api.router,
    attention_api.router,
    worklist_pages.router,
    dunning_pages.router,
    policy_api.router,
    policy_pages.router,
    simulation_api.router,
    experiments_api.router,
    replies_api.router,
    replies_pages.router,
    experiments_pages.router,
)

MENU: tuple[MenuEntry, ...] = (
    MenuEntry("/", _("Overview"), "kpis:read"),
    MenuEntry("/customers", _("Customers"), "customers:read"),
    MenuEntry("/orders", _("Orders"), "orders:read"),
    MenuEntry("/invoices", _("Invoices"), "invoices:read"),
    MenuEntry("/deliveries", _("Deliveries"), "deliveries:read"),
    MenuEntry("/worklist", _("Work-list"), "dunning:read"),
    MenuEntry("/calls", _("Calls"), "dunning:read"),
    MenuEntry("/handed-on", _("Handed on"), "customers:read"),
    MenuEntry("/disputes", _("Disputes"), "disputes:read"),
    MenuEntry("/replies", _("Replies"), "dunning:read"),
    MenuEntry("/messages", _("Messages"), "dunning:read"),
    MenuEntry("/messages/texts", _("Texts of reminders"), "dunning:read"),
    MenuEntry("/payments", _("Payments"), "cash:read"),
    MenuEntry("/imports", _("Imports"), "invoices:read"),
    MenuEntry("/forecast", _("Forecast"), "prediction:read"),
    MenuEntry("/admin/users", _("Users"), "users:read"),
    MenuEntry("/admin/api-keys", _("API keys"), "keys:write"),
    MenuEntry("/admin/credit-rules", _("Credit rules"), "credit:read"),
    MenuEntry("/admin/legal-entities", _("Legal entities"), "users:read"),
    MenuEntry("/dunning/policies", _("Reminder policies"), "dunning:read"),
    MenuEntry("/dunning/experiments", _("Experiments"), "dunning:read"),
    MenuEntry("/admin/late-payment-law", _("Late payment law"), "law:read"),
    MenuEntry("/admin/jobs", _("Jobs"), "audit:read"),
    MenuEntry("/admin/audit", _("Audit trail"), "audit:read"),
)

CARDS: tuple[Card, ...] = (
    Card("ledger", _("Open items"), "ledger:read"),
    Card("credit", _("Credit"), "credit:read"),
    Card("billing", _("Billing"), "invoices:read"),
    Card("late-payment", _("Interest agreed"), "credit:read"),
    Card("statement", _("Statement of account"), "ledger:read"),
    Card("disputes", _("Disputes"), "disputes:read"),
    Card("deliveries", _("Deliveries"), "deliveries:read"),
    Card("payments", _("Payments"), "cash:read"),
    Card("attention", _("Attention"), "customers:read"),
    Card("dunning", _("Reminders"), "dunning:read"),
    Card("thread", _("Exchange"), "dunning:read"),
    Card("messages", _("Messages"), "dunning:read"),
)
"""The cards of a customer's file, in their order; each is served by the room that owns it."""


def create_app(kernel: Kernel) -> FastAPI:
    """The web service of the installation `kernel`. Serves; starts no scheduler and no worker."""
    app = FastAPI(
        title="Amiable",
        version=openapi.VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[Middleware(Perimeter, settings=kernel.settings)],
    )
    app.state.kernel = kernel
    app.state.menu = MENU
    app.state.cards = CARDS
    app.state.limiter = Limiter()
    app.state.hashing = CapacityLimiter(4)
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    gateway = stand_in(kernel)
    if gateway is not None:
        app.mount(TEST_GATEWAY_PATH, gateway, name="test-gateway")
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app
