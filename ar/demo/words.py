"""The words from which the simulated company's customers take their invented names, by language."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


FIRST = {
    "fr": _words(
        "Ateliers Fournitures Menuiserie Imprimerie Transports Verrerie Boulangeries Conserverie Librairie Papeterie "
        "Serrurerie Scierie Brasserie Cidrerie Cartonnages Textiles Plastiques Mécanique Optique Cliniques Jardins "
        "Matériaux Charpentes Chaudronnerie Fromagerie Domaines Studios Laboratoires Pépinières Entrepôts"
    ),
    "en": _words(
        "Northgate Kestrel Amberley Stonebridge Hollowell Fernbank Redwater Larkfield Oakmere Winterbourne Saltmarsh "
        "Greyfell Thornbury Copperfield Ashdown Millbrook Harrowgate Silverdale Brackenhill Elmstead Foxcombe "
        "Ravenscar Wychwood Penhollow Driftwood Maplecrest Highmoor Bluestem Cedarline Lakeshore"
    ),
}
LAST = {
    "fr": _words(
        "des-Trois-Ponts du-Val-Clair de-la-Combe du-Grand-Pré des-Tilleuls de-l'Anse-Bleue du-Haut-Moulin "
        "de-la-Sablière des-Quatre-Vents du-Bois-Joli de-la-Fontaine-Ronde du-Pont-Vieux des-Hautes-Terres "
        "de-Brumeval de-Roquelune de-Clairevigne de-Montfauve de-Valserine d'Orvelle de-Pierrelongue"
    ),
    "en": _words(
        "Logistics Foods Textiles Components Interiors Printing Packaging Robotics Optics Ceramics Supplies Motors "
        "Outfitters Brewing Engineering Systems Timber Instruments Bakeries Laboratories"
    ),
}
LEGAL_FORM = {
    "FR": ("SAS", "SARL", "SA"),
    "BE": ("SRL", "SA"),
    "LU": ("SARL",),
    "DE": ("GmbH", "GmbH & Co. KG"),
    "NL": ("B.V.",),
    "IE": ("Ltd",),
    "GB": ("Ltd", "Ltd", "LLP", "plc"),
    "US": ("Inc.", "LLC", "Corp."),
    "CA": ("inc.", "ltée"),
}

CLAIMS = {
    "en": {
        "price": "The price is not the one of our order.",
        "quantity": "Fewer pieces were delivered than invoiced.",
        "quality": "Part of the goods arrived damaged.",
        "delivery": "We have not received this delivery.",
        "not_ordered": "We did not order one of these lines.",
        "reference": "Our purchase order number is missing.",
    },
    "fr": {
        "price": "Le prix ne correspond pas à notre commande.",
        "quantity": "Il a été livré moins de pièces que facturé.",
        "quality": "Une partie de la marchandise est arrivée abîmée.",
        "delivery": "Nous n'avons pas reçu cette livraison.",
        "not_ordered": "Nous n'avons pas commandé l'une de ces lignes.",
        "reference": "Notre numéro de commande manque sur la facture.",
    },
}
"""What customers write when they contest, by language and reason."""
ANSWERS = {
    "en": {
        True: "You are right, and we are sorry: a credit note is on its way.",
        False: "We have checked with our delivery team: the invoice is right. Do call us if you see it otherwise.",
    },
    "fr": {
        True: "Vous avez raison, veuillez nous excuser : un avoir vous parvient.",
        False: "Nous avons vérifié avec nos équipes : la facture est exacte. Nous restons à votre disposition.",
    },
}
"""What the company answers, by language and whether the claim was upheld."""


def company_name(language: str, number: int) -> str:
    """An invented name without its legal form: no two numbers below 600 give the same."""
    first, last = FIRST[language], LAST[language]
    ending = last[(number // len(first) + number) % len(last)].replace("-", " ", 2 if language == "fr" else 0)
    return f"{first[number % len(first)]} {ending}"


ARTICLES = {
    "fr": (
        "Étagère en chêne, huilée",
        "Table de réunion, huit places",
        "Lot de vingt chaises empilables",
        "Armoire métallique à clé",
        "Pose et réglage sur site",
        "Lampes de bureau, carton de six",
        "Entretien annuel du mobilier",
        "Cloison acoustique mobile",
    ),
    "en": (
        "Oak shelf, oiled",
        "Meeting table for eight",
        "Stacking chairs, set of twenty",
        "Steel cabinet with lock",
        "Fitting on site",
        "Desk lamps, box of six",
        "Yearly care of the furniture",
        "Movable acoustic screen",
    ),
}
"""What the company sells, by the language of its customer."""
