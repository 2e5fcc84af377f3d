"""What to buy at the least cost, with the proof of how far from the least it is at most. Pure functions over arrays."""

from cloudlayer.scheduler.mixing.bound import Certificate
from cloudlayer.scheduler.mixing.problem import Classes, Forms, Lots, Problem
from cloudlayer.scheduler.mixing.search import Answer, Bought, answers, mix, mix_while

__all__ = ["Answer", "Bought", "Certificate", "Classes", "Forms", "Lots", "Problem", "answers", "mix", "mix_while"]
