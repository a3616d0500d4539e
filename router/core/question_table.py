"""How much each word and mark speaks for a test's question; router/core/questions.py tells what marks mean.

Made by tools/make_question_table.py, not by hand.
"""

from __future__ import annotations

from typing import Final

BIAS: Final = -5
# A weight, and all that have it.
WEIGHTS: Final = """\
+7 ^a
+5 earth likely
+4 animals causes if is$ might most names:0 their they to what what$ when where winter
+3 ^an ^the a an because best can change during energy example except$ had he it kind may moon organisms people
+3 person plants she should someone sun these through upper water waves way why
+2 ^as ^if_i ^what_do ^where ^which ^which_is ^which_of ^why am animal away be$ below by$ could dead describes due
+2 element except food get has health human know large learn light look make melts ocean of of$ often other
+2 periodic plant power protect result scientists see side sky so solar sound source south stage states students
+2 such surface that the$ them up use uses while will would
+1 ^a_student ^after ^if ^when_a ^where_could ^where_would about air around avoid be but changes civil common cycle
+1 day didn do doing electricity elements feel following got happen home let liquid made move needs object put
+1 rather resources results sea soil statement support table than trees two wants war$ year
-1 ^do_you ^i_have ^i_need ^i_would ^when_was a$ adriel and atmosphere been book car case city come concrete de
-1 design do$ fetch figure first help host la model movies need now order pair paris particularly play please query
-1 rate record retrieve river services sport start stop suitable three types voice world
-2 ^do ^find_a ^get ^hi ^how ^if_you ^is ^when_did ^who act any api available available$ better building came
-2 capital country$ down faucet for game games given history kak known last movie music my named names:1 no old
-2 open our part payment point possible sand search set snow today trip union us version war was win words:2
-3 ^could ^could_you ^what ^what_are country find flag hi middle on$ or the type who word
-4 ^can ^can_you ^find ^in ^what_s i list you
-5 names:2 words:0
-7 ^i me name
-8 names:3
-9 .$
-10 #
-12 lower
"""
