import pytest

from sklearn_metalabel.utils._restore import restore_on_error


class Thing:
    def __init__(self):
        self.kept, self.changed, self.removed = [1], 1, 1

    @restore_on_error
    def work(self, error=None):
        """Say what it does."""
        self.changed = 2
        del self.removed
        self.new_ = 3
        if error is not None:
            raise error
        return self


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt("x"), SystemExit("x")])
def test_an_error_takes_back_what_was_set_and_removed(error):
    thing = Thing()
    before = dict(vars(thing))
    with pytest.raises(type(error), match="x"):
        thing.work(error)
    assert vars(thing) == before
    assert thing.kept is before["kept"]


def test_success_keeps_all_and_returns_the_result():
    thing = Thing()
    assert thing.work() is thing
    assert vars(thing) == {"kept": [1], "changed": 2, "new_": 3}


def test_the_method_keeps_its_name_and_text():
    assert Thing.work.__name__ == "work"
    assert Thing.work.__doc__ == "Say what it does."
