import re

from sklearn_metalabel.utils import TimedLines


def test_lines_have_the_seconds_so_far_and_are_printed_on_request(capsys):
    TimedLines(0)("nothing")
    assert capsys.readouterr().out == ""
    line = TimedLines(1)
    line._began -= 12
    line("a text")
    seconds = re.fullmatch(r"\[ +(\d+\.\d) s\] a text\n", capsys.readouterr().out).group(1)
    assert 12 <= float(seconds) < 60
