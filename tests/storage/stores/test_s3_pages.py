"""What pages of S3's lists say, by the expression that reads most of them and by the parser that reads all."""

from datetime import UTC, datetime

import pytest

from cloudlayer.storage.objects import ObjectInfo, Page
from cloudlayer.storage.stores.s3 import pages

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
TIME = "2026-05-04T03:02:01.000Z"
MODIFIED = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


def contents(key, *, etag="&quot;e&quot;", between="", after="<StorageClass>STANDARD</StorageClass>"):
    told = f"<Key>{key}</Key><LastModified>{TIME}</LastModified><ETag>{etag}</ETag>{between}<Size>3</Size>{after}"
    return f"<Contents>{told}</Contents>"


def answer(*parts, encoded=True):
    kind = "<EncodingType>url</EncodingType>" if encoded else ""
    return f"{HEAD}<Name>b</Name><Prefix></Prefix>{kind}{''.join(parts)}</ListBucketResult>".encode()


def info(key, etag='"e"'):
    return ObjectInfo(key, 3, etag, MODIFIED)


@pytest.mark.parametrize(
    ("body", "page", "following"),
    [
        (answer(), Page(()), ""),
        (answer(contents("a"), contents("b")), Page((info("a"), info("b"))), ""),
        (answer(contents("a+b%2Fc%26%C3%A9")), Page((info("a b/c&é"),)), ""),
        (answer(contents("a+b%2F"), encoded=False), Page((info("a+b%2F"),)), ""),
        (answer(contents("a", etag="&#34;e-2&#34;")), Page((info("a", '"e-2"'),)), ""),
        (answer(contents("a", etag='"e"')), Page((info("a"),)), ""),
        (
            answer(
                contents("a", between="<ChecksumAlgorithm>CRC32C</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>")
            ),
            Page((info("a"),)),
            "",
        ),
        (answer(contents("a", after="<Owner><ID>1</ID><DisplayName>n</DisplayName></Owner>")), Page((info("a"),)), ""),
        (
            answer("<NextContinuationToken>t/1+=</NextContinuationToken>", contents("a")).replace(
                b"</ListBucketResult>", b"<CommonPrefixes><Prefix>f%2F</Prefix></CommonPrefixes></ListBucketResult>\n"
            ),
            Page((info("a"),), ("f/",)),
            "t/1+=",
        ),
    ],
)
def test_an_answer_as_services_write_it_is_read_alike_in_both_ways(body, page, following):
    assert pages._by_expression(body) == pages._by_parser(body) == pages.read(body) == (page, following)


@pytest.mark.parametrize(
    ("body", "page", "following"),
    [
        (answer(contents("a&amp;b"), encoded=False), Page((info("a&b"),)), ""),
        (answer(contents("a", etag="e")), Page((info("a", "e"),)), ""),
        (
            answer(contents("a").replace("<Key>a</Key>", ""), contents("b")).replace(b"<Size>3", b"<Key>a</Key><Size>3", 1),
            Page((info("a"), info("b"))),
            "",
        ),
        (answer(contents("a"), "<!-- <Contents> -->"), Page((info("a"),)), ""),
        (answer(contents("a").replace("<Key>", "<Key ><![CDATA[").replace("</Key>", "]]></Key>")), Page((info("a"),)), ""),
        (answer(contents("a"), "<NextContinuationToken>&amp;</NextContinuationToken>"), Page((info("a"),)), "&"),
        (answer(contents("a"), "<CommonPrefixes>\n<Prefix>f/</Prefix></CommonPrefixes>"), Page((info("a"),), ("f/",)), ""),
        (answer(contents("a")).replace(b"<Contents>", b"<Contents >"), Page((info("a"),)), ""),
        (answer(contents("a")).decode().encode("utf-16"), None, ""),
    ],
)
def test_an_answer_written_otherwise_is_left_to_the_parser(body, page, following):
    assert pages._by_expression(body) is None
    assert pages.read(body) == (None if page is None else (page, following))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>a portal</body></html>",
        b"<Error><Code>InternalError</Code></Error>",
        answer(contents("a"))[:-1],
        answer(contents("a")).replace(b"<ListBucketResult", b"<ListBucket").replace(b"/ListBucketResult", b"/ListBucket"),
        b"<html><!-- " + answer(contents("a")),
    ],
)
def test_what_is_no_whole_list_is_none(body):
    assert pages.read(body) is None
