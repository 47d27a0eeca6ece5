"""Short, plain words for first passwords that are read over the telephone.

Four of 142 words and three digits are about 39 bits; the password works once, under lock-out, and must be
changed at the first sign-in.
"""

from typing import Final

_LIST: Final = """
    acorn apple apron arrow atlas autumn badge bagel baker basil basin beach beech berry birch blanket bloom
    board bonnet book bottle bowl branch bread breeze brick bridge brook broom bucket button cabin cable camel
    candle canoe canvas carpet carrot castle cedar cellar chair chalk cheese cherry chest circle clay clock
    cloud clover coast cobalt comet copper coral corner cotton cove cradle crane crayon creek cricket crown
    daisy desk dolphin donkey door drum eagle easel echo elbow elm ember engine falcon feather fern ferry
    fiddle field finch fire flag flannel flute forest fossil fountain fox garden garlic ginger glacier globe
    goose grape gravel grove hammer harbor harp hazel heron hill honey horizon house island ivory jacket jar
    jelly juniper kettle kite ladder lagoon lamp lantern lark laurel lemon letter lily linen lizard lobster
    locket maple marble market meadow melon mill mint mirror mitten
"""
WORDS: Final = tuple(_LIST.split())
