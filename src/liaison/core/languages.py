"""Languages by their BCP 47 tags. Spoken and written ones are kept apart; sign languages have tags of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_TAG: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-[A-Za-z0-9]{5,8})*")

COMMON_LANGUAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "en": "English", "es": "Spanish", "ase": "American Sign Language", "am": "Amharic", "ar": "Arabic",
        "hy": "Armenian", "bn": "Bengali", "yue": "Cantonese", "zh": "Chinese", "prs": "Dari", "nl": "Dutch",
        "fr": "French", "de": "German", "el": "Greek", "gu": "Gujarati", "ht": "Haitian Creole", "he": "Hebrew",
        "hi": "Hindi", "hmn": "Hmong", "ilo": "Ilocano", "it": "Italian", "ja": "Japanese", "kar": "Karen",
        "km": "Khmer", "ko": "Korean", "ku": "Kurdish", "lo": "Lao", "cmn": "Mandarin", "mr": "Marathi",
        "nv": "Navajo", "ne": "Nepali", "ps": "Pashto", "fa": "Persian", "pl": "Polish", "pt": "Portuguese",
        "pa": "Punjabi", "ro": "Romanian", "ru": "Russian", "sm": "Samoan", "so": "Somali", "sw": "Swahili",
        "tl": "Tagalog", "ta": "Tamil", "te": "Telugu", "th": "Thai", "ti": "Tigrinya", "tr": "Turkish",
        "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "yi": "Yiddish", "yo": "Yoruba",
    }
)  # fmt: skip

_LONG: Final = """
    aa:aar ab:abk ae:ave af:afr ak:aka am:amh an:arg ar:ara as:asm av:ava ay:aym az:aze ba:bak be:bel bg:bul bi:bis
    bm:bam bn:ben bo:bod,tib br:bre bs:bos ca:cat ce:che ch:cha co:cos cr:cre cs:ces,cze cu:chu cv:chv cy:cym,wel
    da:dan de:deu,ger dv:div dz:dzo ee:ewe el:ell,gre en:eng eo:epo es:spa et:est eu:eus,baq fa:fas,per ff:ful fi:fin
    fj:fij fo:fao fr:fra,fre fy:fry ga:gle gd:gla gl:glg gn:grn gu:guj gv:glv ha:hau he:heb hi:hin ho:hmo hr:hrv
    ht:hat hu:hun hy:hye,arm hz:her ia:ina id:ind ie:ile ig:ibo ii:iii ik:ipk io:ido is:isl,ice it:ita iu:iku ja:jpn
    jv:jav ka:kat,geo kg:kon ki:kik kj:kua kk:kaz kl:kal km:khm kn:kan ko:kor kr:kau ks:kas ku:kur kv:kom kw:cor
    ky:kir la:lat lb:ltz lg:lug li:lim ln:lin lo:lao lt:lit lu:lub lv:lav mg:mlg mh:mah mi:mri,mao mk:mkd,mac ml:mal
    mn:mon mr:mar ms:msa,may mt:mlt my:mya,bur na:nau nb:nob nd:nde ne:nep ng:ndo nl:nld,dut nn:nno no:nor nr:nbl
    nv:nav ny:nya oc:oci oj:oji om:orm or:ori os:oss pa:pan pi:pli pl:pol ps:pus pt:por qu:que rm:roh rn:run
    ro:ron,rum ru:rus rw:kin sa:san sc:srd sd:snd se:sme sg:sag si:sin sk:slk,slo sl:slv sm:smo sn:sna so:som
    sq:sqi,alb sr:srp ss:ssw st:sot su:sun sv:swe sw:swa ta:tam te:tel tg:tgk th:tha ti:tir tk:tuk tl:tgl tn:tsn
    to:ton tr:tur ts:tso tt:tat tw:twi ty:tah ug:uig uk:ukr ur:urd uz:uzb ve:ven vi:vie vo:vol wa:wln wo:wol xh:xho
    yi:yid yo:yor za:zha zh:zho,chi zu:zul
"""
"""The codes of ISO 639-1, each with those of ISO 639-2 for the same language (terminology, then bibliography)."""

_SHORT: Final[Mapping[str, str]] = MappingProxyType(
    {
        long: short
        for short, _, all_long in (one.partition(":") for one in _LONG.split())
        for long in all_long.split(",")
    }
)


def shortest_tag(tag: str) -> str:
    """A language's tag as BCP 47 wants it (RFC 5646, 2.2.1): two letters where there are such, "es-MX" for "spa_MX".

    What has not the shape of a tag comes back as it was.
    """
    plain = tag.strip().replace("_", "-")
    if not is_language_tag(plain):
        return tag
    main, bar, rest = plain.partition("-")
    return f"{_SHORT.get(main.lower(), main.lower())}{bar}{rest}"


def main_language(tag: str) -> str:
    """The language of a tag without region and script: "es" of "spa-MX". What is no tag gives what stands first."""
    return shortest_tag(tag).strip().lower().replace("_", "-").partition("-")[0]


def is_language_tag(tag: str) -> bool:
    """Whether this has the shape of a BCP 47 tag ("es", "pt-BR", "zh-Hant")."""
    return _TAG.fullmatch(tag) is not None


def language_name(tag: str) -> str:
    """The English name of a language; of a regional one as well ("Portuguese (BR)"); else the tag itself."""
    short = shortest_tag(tag)
    if short in COMMON_LANGUAGES:
        return COMMON_LANGUAGES[short]
    base, _, rest = short.partition("-")
    name = COMMON_LANGUAGES.get(base.lower())
    if name is None:
        return tag
    return f"{name} ({rest})" if rest else name
