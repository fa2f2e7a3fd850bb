"""Attacks on the signature, one a line: its name, how it is made, and the reason for which it must be refused.

Longer than other modules because it is a table.

What stands before `value` in a making is truly signed by a trusted signer: such a signature is not wrong but outside
the profile, and a verifier that interprets it would accept it.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass

from tests.sealing.kit import DSIG, EXC, MESSAGE, MORE, ORDER, Edit, Making, leaf, swap

MORE_2007 = "http://www.w3.org/2007/05/xmldsig-more#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N_11 = "http://www.w3.org/2006/12/xml-c14n11"
GOST = "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:"
TRANSFORM = f'<ds:Transform Algorithm="{EXC}"/>'
OUTSIDE = "signature-outside-profile"
WRONG = "signature-wrong"
MISSING = "signature-missing"
UNTRUSTED = "certificate-refused"


@dataclass(frozen=True)
class Attack:
    making: Making
    code: str
    reason: str


def method(uri: str, reason: str) -> Attack:
    return Attack(Making(method=uri), OUTSIDE, reason)


def info(old: str, new: str, reason: str) -> Attack:
    return Attack(Making(signed_info=swap(old, new)), OUTSIDE, reason)


def transform(uri: str, reason: str) -> Attack:
    return info(TRANSFORM, f'<ds:Transform Algorithm="{uri}"/>', reason)


def digest_method(uri: str, reason: str) -> Attack:
    return info(SHA256, uri, reason)


def whole(old: str, new: str, reason: str) -> Attack:
    return Attack(Making(whole=swap(old, new)), OUTSIDE, reason)


def encoded(edit: Edit, reason: str = "signature-base64") -> Attack:
    return Attack(Making(encoded=edit), OUTSIDE, reason)


def value(edit: Callable[[bytes], bytes], reason: str, code: str = OUTSIDE) -> Attack:
    return Attack(Making(value=edit), code, reason)


def delivered(edit: Edit, reason: str, code: str = OUTSIDE, message: str = MESSAGE) -> Attack:
    return Attack(Making(message=message, delivered=edit), code, reason)


def around(before: str, after: str = "") -> Edit:
    return lambda text: before + text + after


def integer(number: int) -> bytes:
    return number.to_bytes(32, "big")


def resigned(new: str) -> Edit:
    """Another element, or none, in place of `Signature`."""
    return lambda text: text[: text.index("<Signature>")] + new + text[text.index(_SIGNED) :]


def noncanonical(text: str) -> str:
    """The same bytes with other padding bits, where the length leaves any."""
    padded = base64.b64encode(base64.b64decode(text) + b"\n" * ((1 - len(base64.b64decode(text))) % 3)).decode()
    assert padded.endswith("==")
    return padded[:-3] + chr(ord(padded[-3]) + 1) + "=="


METHODS = {
    "rsa_sha1": method(f"{DSIG}rsa-sha1", "rsa-sha1"),
    "rsa_md5": method(f"{MORE}rsa-md5", "rsa-md5"),
    "rsa_sha384": method(f"{MORE}rsa-sha384", "rsa-sha384"),
    "rsa_sha512": method(f"{MORE}rsa-sha512", "rsa-sha512"),
    "rsa_ripemd": method(f"{MORE}rsa-ripemd160", "rsa-ripemd160"),
    "rsa_pss_sha1": method(f"{MORE_2007}sha1-rsa-MGF1", "rsa-pss"),
    "rsa_pss_sha256": method(f"{MORE_2007}sha256-rsa-MGF1", "rsa-pss"),
    "rsa_pss_with_parameters": method(f"{MORE_2007}rsa-pss", "rsa-pss"),
    "ecdsa_sha1": method(f"{MORE}ecdsa-sha1", "ecdsa-sha1"),
    "ecdsa_sha224": method(f"{MORE}ecdsa-sha224", "ecdsa-sha224"),
    "ecdsa_sha384": method(f"{MORE}ecdsa-sha384", "ecdsa-sha384"),
    "ecdsa_sha512": method(f"{MORE}ecdsa-sha512", "ecdsa-sha512"),
    "dsa_sha1": method(f"{DSIG}dsa-sha1", "dsa"),
    "dsa_sha256": method("http://www.w3.org/2009/xmldsig11#dsa-sha256", "dsa"),
    "hmac_sha1": method(f"{DSIG}hmac-sha1", "hmac"),
    "hmac_sha256": method(f"{MORE}hmac-sha256", "hmac"),
    "hmac_sha512": method(f"{MORE}hmac-sha512", "hmac"),
    "gost_before_its_time": method(f"{GOST}gostr34102015-gostr34112015-512", "gost-not-yet"),
    "unknown_method": method("urn:nothing", "unknown-signature-method"),
    "empty_method": method("", "unknown-signature-method"),
    "method_with_a_space": method(f" {MORE}ecdsa-sha256", "unknown-signature-method"),
    "method_in_capitals": method(f"{MORE}ECDSA-SHA256", "unknown-signature-method"),
    "rsa_method_with_an_ec_key": method(f"{MORE}rsa-sha256", "key-of-another-algorithm"),
    "ec_method_with_an_rsa_key": Attack(
        Making(signer=leaf("rsa2048"), method=f"{MORE}ecdsa-sha256"), OUTSIDE, "key-of-another-algorithm"
    ),
    "short_rsa_key": Attack(Making(signer=leaf("rsa1024")), UNTRUSTED, "short-rsa-key"),
    "rsa_key_one_step_short": Attack(Making(signer=leaf("rsa2047")), UNTRUSTED, "short-rsa-key"),
    "another_curve": Attack(Making(signer=leaf("p384")), OUTSIDE, "curve"),
    "a_curve_of_bitcoin": Attack(Making(signer=leaf("k256")), UNTRUSTED, "curve"),
}

DIGESTS = {
    "digest_sha1": digest_method(f"{DSIG}sha1", "digest-sha1"),
    "digest_md5": digest_method(f"{MORE}md5", "digest-md5"),
    "digest_sha384": digest_method(f"{MORE}sha384", "digest-sha384"),
    "digest_sha512": digest_method("http://www.w3.org/2001/04/xmlenc#sha512", "digest-sha512"),
    "digest_ripemd": digest_method("http://www.w3.org/2001/04/xmlenc#ripemd160", "digest-ripemd160"),
    "digest_gost": digest_method(f"{GOST}gostr34112015-512", "digest-gost-not-yet"),
    "digest_unknown": digest_method("urn:nothing", "unknown-digest-method"),
    "digest_empty": info("<ds:DigestValue>", "<ds:DigestValue></ds:DigestValue><ds:DigestValue>", "structure"),
    "digest_short": info("<ds:DigestValue>", "<ds:DigestValue>AAAA", "digest-length"),
    "digest_with_junk": info("<ds:DigestValue>", "<ds:DigestValue>!", "digest-base64"),
    "digest_in_an_element": info("<ds:DigestValue>", "<ds:DigestValue><ds:Object/>", "object"),
}

TRANSFORMS = {
    "enveloped": transform(f"{DSIG}enveloped-signature", "transform-enveloped"),
    "base64": transform(f"{DSIG}base64", "transform-base64"),
    "xpath": transform("http://www.w3.org/TR/1999/REC-xpath-19991116", "transform-xpath"),
    "xpath_filter": transform("http://www.w3.org/2002/06/xmldsig-filter2", "transform-xpath-filter"),
    "xslt": transform("http://www.w3.org/TR/1999/REC-xslt-19991116", "transform-xslt"),
    "c14n": transform(C14N, "transform-inclusive-c14n"),
    "c14n_with_comments": transform(f"{C14N}#WithComments", "transform-with-comments"),
    "c14n_11": transform(C14N_11, "transform-inclusive-c14n"),
    "c14n_11_with_comments": transform(f"{C14N_11}#WithComments", "transform-with-comments"),
    "exclusive_with_comments": transform(f"{EXC}WithComments", "transform-with-comments"),
    "unknown": transform("urn:nothing", "unknown-transform"),
    "twice": info(TRANSFORM, TRANSFORM * 2, "several-transforms"),
    "enveloped_first": info(
        TRANSFORM, f'<ds:Transform Algorithm="{DSIG}enveloped-signature"/>{TRANSFORM}', "several-transforms"
    ),
    "none": info(TRANSFORM, "", "structure"),
    "no_transforms": info(f"<ds:Transforms>{TRANSFORM}</ds:Transforms>", "", "structure"),
    "transform_with_prefixes": info(
        TRANSFORM,
        f'<ds:Transform Algorithm="{EXC}"><e:InclusiveNamespaces xmlns:e="{EXC}" PrefixList="x"/></ds:Transform>',
        "inclusive-namespaces",
    ),
    "transform_with_xpath": info(
        TRANSFORM, f'<ds:Transform Algorithm="{EXC}"><ds:XPath>1</ds:XPath></ds:Transform>', "transform-xpath"
    ),
    "transform_with_text": info(
        TRANSFORM, f'<ds:Transform Algorithm="{EXC}">x</ds:Transform>', "text-between-elements"
    ),
    "transform_with_an_attribute": info(TRANSFORM, f'<ds:Transform Algorithm="{EXC}" x="1"/>', "unexpected-attribute"),
    "transform_without_algorithm": info(TRANSFORM, "<ds:Transform/>", "algorithm-missing"),
}

_PREFIXES = f'<e:InclusiveNamespaces xmlns:e="{EXC}" PrefixList="x"/>'
_C14N_METHOD = f'<ds:CanonicalizationMethod Algorithm="{EXC}"/>'

SIGNED_INFOS = {
    "c14n_method": info(_C14N_METHOD, _C14N_METHOD.replace(EXC, C14N), "canonicalization-method"),
    "c14n_method_11": info(_C14N_METHOD, _C14N_METHOD.replace(EXC, C14N_11), "canonicalization-method"),
    "c14n_method_with_comments": info(
        _C14N_METHOD, _C14N_METHOD.replace(EXC, EXC + "WithComments"), "canonicalization-method"
    ),
    "c14n_method_unknown": info(_C14N_METHOD, _C14N_METHOD.replace(EXC, "urn:x"), "canonicalization-method"),
    "c14n_method_with_prefixes": info(
        _C14N_METHOD,
        _C14N_METHOD.replace(
            "/>", f'><e:InclusiveNamespaces xmlns:e="{EXC}" PrefixList="x"/></ds:CanonicalizationMethod>'
        ),
        "inclusive-namespaces",
    ),
    "c14n_method_missing": info(_C14N_METHOD, "", "structure"),
    "method_with_output_length": info(
        '-sha256"/><ds:Reference',
        '-sha256"><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod><ds:Reference',
        "hmac-output-length",
    ),
    "signed_info_with_an_id": info("<ds:SignedInfo>", '<ds:SignedInfo Id="a">', "id-attribute"),
    "reference_with_an_id": info("<ds:Reference ", '<ds:Reference Id="a" ', "id-attribute"),
    "reference_with_a_type": info("<ds:Reference ", f'<ds:Reference Type="{DSIG}Object" ', "unexpected-attribute"),
    "reference_to_the_document": info('URI="SignedData"', 'URI=""', "reference-uri"),
    "reference_to_an_id": info('URI="SignedData"', 'URI="#SignedData"', "reference-uri"),
    "reference_by_xpointer": info('URI="SignedData"', 'URI="#xpointer(/)"', "reference-uri"),
    "reference_to_a_file": info('URI="SignedData"', 'URI="file:///etc/passwd"', "reference-uri"),
    "reference_to_a_host": info('URI="SignedData"', 'URI="http://127.0.0.1:1/"', "reference-uri"),
    "reference_to_nothing": info(' URI="SignedData"', "", "reference-uri"),
    "two_references": Attack(
        Making(signed_info=lambda text: text.replace("</ds:SignedInfo>", text[text.index("<ds:Reference") :])),
        OUTSIDE,
        "several-references",
    ),
    "no_reference": Attack(
        Making(signed_info=lambda text: text[: text.index("<ds:Reference")] + "</ds:SignedInfo>"), OUTSIDE, "structure"
    ),
    "manifest": info("</ds:SignedInfo>", "<ds:Manifest/></ds:SignedInfo>", "manifest"),
    "text_in_signed_info": info("<ds:SignedInfo>", "<ds:SignedInfo>x", "text-between-elements"),
    "no_break_space_in_signed_info": info("<ds:SignedInfo>", "<ds:SignedInfo>\u00a0", "text-between-elements"),
}

WHOLES = {
    "signature_with_an_id": whole("<ds:Signature ", '<ds:Signature Id="a" ', "id-attribute"),
    "signature_with_an_xml_id": whole("<ds:Signature ", '<ds:Signature xml:id="a" ', "id-attribute"),
    "signature_with_an_attribute": whole("<ds:Signature ", '<ds:Signature x="a" ', "unexpected-attribute"),
    "relative_namespace": whole("<ds:SignedInfo>", '<ds:SignedInfo xmlns:x="a">', "relative-namespace"),
    "object": whole("</ds:Signature>", "<ds:Object>x</ds:Object></ds:Signature>", "object"),
    "two_signed_infos": whole("<ds:SignatureValue>", "<ds:SignedInfo/><ds:SignatureValue>", "several-signed-infos"),
    "two_key_infos": whole("</ds:Signature>", "<ds:KeyInfo/></ds:Signature>", "several-key-infos"),
    "key_value": whole("<ds:KeyInfo>", "<ds:KeyInfo><ds:KeyValue/>", "key-value"),
    "der_key_value": whole(
        "<ds:KeyInfo>",
        '<ds:KeyInfo><k:DEREncodedKeyValue xmlns:k="http://www.w3.org/2009/xmldsig11#"/>',
        "key-value",
    ),
    "key_name": whole("<ds:KeyInfo>", "<ds:KeyInfo><ds:KeyName>a</ds:KeyName>", "key-name"),
    "key_name_after": whole("</ds:KeyInfo>", "<ds:KeyName>a</ds:KeyName></ds:KeyInfo>", "key-name"),
    "retrieval_method": whole("<ds:KeyInfo>", '<ds:KeyInfo><ds:RetrievalMethod URI="http://a"/>', "retrieval-method"),
    "pgp": whole("<ds:KeyInfo>", "<ds:KeyInfo><ds:PGPData/>", "pgp-data"),
    "spki": whole("<ds:KeyInfo>", "<ds:KeyInfo><ds:SPKIData/>", "spki-data"),
    "two_x509_datas": whole("</ds:KeyInfo>", "<ds:X509Data/></ds:KeyInfo>", "several-x509-data"),
    "issuer_serial": whole("<ds:X509Data>", "<ds:X509Data><ds:X509IssuerSerial/>", "x509-issuer-serial"),
    "subject_name": whole("<ds:X509Data>", "<ds:X509Data><ds:X509SubjectName/>", "x509-subject-name"),
    "subject_key_identifier": whole("</ds:X509Data>", "<ds:X509SKI/></ds:X509Data>", "x509-ski"),
    "crl": whole("</ds:X509Data>", "<ds:X509CRL/></ds:X509Data>", "x509-crl"),
    "foreign_element": whole("</ds:X509Data>", '<x xmlns="urn:x"/></ds:X509Data>', "structure"),
    "key_info_with_an_id": whole("<ds:KeyInfo>", '<ds:KeyInfo Id="a">', "id-attribute"),
    "x509_data_with_an_attribute": whole("<ds:X509Data>", '<ds:X509Data x="a">', "unexpected-attribute"),
    "certificate_with_an_id": whole("<ds:X509Certificate>", '<ds:X509Certificate Id="a">', "id-attribute"),
    "certificate_with_junk": whole("<ds:X509Certificate>", "<ds:X509Certificate>-", "certificate-base64"),
    "certificate_in_pem": whole(
        "<ds:X509Certificate>", "<ds:X509Certificate>-----BEGIN CERTIFICATE-----\n", "certificate-base64"
    ),
    "certificate_empty": whole(
        "</ds:X509Certificate>", "</ds:X509Certificate><ds:X509Certificate/>", "certificate-base64"
    ),
    "value_with_an_id": whole("<ds:SignatureValue>", '<ds:SignatureValue Id="a">', "id-attribute"),
    "value_with_junk": whole("<ds:SignatureValue>", "<ds:SignatureValue>*", "signature-value-base64"),
    "value_in_two": whole("</ds:SignatureValue>", "<ds:SignatureValue/></ds:SignatureValue>", "structure"),
    "no_value": Attack(
        Making(whole=lambda text: text[: text.index("<ds:SignatureValue")] + text[text.index("<ds:KeyInfo") :]),
        OUTSIDE,
        "structure",
    ),
    "no_key_info": Attack(
        Making(whole=lambda text: text[: text.index("<ds:KeyInfo")] + "</ds:Signature>"), OUTSIDE, "structure"
    ),
    "no_certificate": Attack(
        Making(whole=lambda text: text[: text.index("<ds:X509Certificate")] + text[text.index("</ds:X509Data") :]),
        OUTSIDE,
        "number-of-certificates",
    ),
    "seven_certificates": Attack(Making(others=(leaf(),) * 6), OUTSIDE, "number-of-certificates"),
    "no_namespace": whole(f' xmlns:ds="{DSIG}"', ' xmlns:ds="urn:x"', "structure"),
    "comment": whole("<ds:SignatureValue>", "<ds:SignatureValue><!--x-->", "comment"),
    "comment_before": Attack(Making(whole=around("<!--x-->")), OUTSIDE, "comment"),
    "comment_after": Attack(Making(whole=around("", "<!--x-->")), OUTSIDE, "comment"),
    "processing_instruction": whole("<ds:KeyInfo>", "<ds:KeyInfo><?x y?>", "processing-instruction"),
    "processing_instruction_before": Attack(Making(whole=around("<?x y?>")), OUTSIDE, "processing-instruction"),
    "character_data_section": whole("<ds:SignatureValue>", "<ds:SignatureValue><![CDATA[]]>", "cdata"),
    "dtd": Attack(Making(whole=around("<!DOCTYPE a>")), OUTSIDE, "dtd"),
    "dtd_after_a_declaration": Attack(Making(whole=around("<?xml version='1.0'?><!DOCTYPE a>")), OUTSIDE, "dtd"),
    "entity_bomb": Attack(Making(whole=around('<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]>')), OUTSIDE, "dtd"),
    "external_entity": Attack(
        Making(whole=around('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>')), OUTSIDE, "dtd"
    ),
    "undeclared_entity": whole("<ds:SignatureValue>", "<ds:SignatureValue>&b;", "not-xml"),
    "utf_16_declared": Attack(
        Making(whole=around("<?xml version='1.0' encoding='UTF-16'?>")), OUTSIDE, "xml-declaration"
    ),
    "latin_1_declared": Attack(
        Making(whole=around("<?xml version='1.0' encoding='ISO-8859-1'?>")), OUTSIDE, "xml-declaration"
    ),
    "xml_1_1": Attack(Making(whole=around("<?xml version='1.1'?>")), OUTSIDE, "xml-declaration"),
    "two_declarations": Attack(
        Making(whole=around("<?xml version='1.0'?><?xml version='1.0'?>")), OUTSIDE, "xml-declaration"
    ),
    "byte_order_mark": Attack(Making(whole=around("\ufeff")), OUTSIDE, "not-xml"),
    "two_documents": Attack(Making(whole=lambda text: text + text), OUTSIDE, "not-xml"),
    "wrapped": Attack(Making(whole=around("<a>", "</a>")), OUTSIDE, "structure"),
    "wrapped_in_a_signature": Attack(
        Making(whole=around(f'<ds:Signature xmlns:ds="{DSIG}">', "</ds:Signature>")), OUTSIDE, "structure"
    ),
    "too_large": Attack(Making(whole=around(" " * 65_537)), OUTSIDE, "signature-too-large"),
    "not_xml": Attack(Making(whole=lambda _: "hello"), OUTSIDE, "not-xml"),
    "cut_short": Attack(Making(whole=lambda text: text[:-5]), OUTSIDE, "not-xml"),
    "deep": Attack(
        Making(whole=lambda text: text.replace("</ds:KeyInfo>", "<a>" * 400 + "</a>" * 400 + "</ds:KeyInfo>")),
        OUTSIDE,
        "not-xml",
    ),
}

ENCODINGS = {
    "bytes_after_the_padding": encoded(lambda text: text.rstrip("=") + "==" + "AA=="),
    "junk_before": encoded(around("!")),
    "junk_inside": encoded(lambda text: text[:8] + "*" + text[8:]),
    "url_alphabet": encoded(lambda text: text[:40] + "-" + text[41:]),
    "no_break_space": encoded(lambda text: text[:40] + "\u00a0" + text[40:]),
    "line_separator": encoded(lambda text: text[:40] + "\u2028" + text[40:]),
    "next_line": encoded(lambda text: text[:40] + "\u0085" + text[40:]),
    "no_padding": Attack(Making(encoded=lambda text: noncanonical(text).rstrip("=")), OUTSIDE, "signature-base64"),
    "too_much_padding": encoded(around("", "====")),
    "padding_bits": encoded(noncanonical),
    "full_width_letters": encoded(lambda text: "\uff30" + text[1:]),
    "base64_twice": encoded(lambda text: base64.b64encode(text.encode()).decode(), "not-xml"),
}

VALUES = {
    "r_and_s_of_der": value(
        lambda raw: b"\x30\x44\x02\x20" + raw[:32] + b"\x02\x20" + raw[32:], "signature-value-length"
    ),
    "r_and_s_short": value(lambda raw: raw[:63], "signature-value-length"),
    "r_and_s_long": value(lambda raw: raw + b"\0", "signature-value-length"),
    "r_and_s_padded_before": value(lambda raw: b"\0" + raw[:32] + b"\0" + raw[32:], "signature-value-length"),
    "r_zero": value(lambda raw: integer(0) + raw[32:], "signature-value-range"),
    "s_zero": value(lambda raw: raw[:32] + integer(0), "signature-value-range"),
    "both_zero": value(lambda _: integer(0) * 2, "signature-value-range"),
    "r_of_the_order": value(lambda raw: integer(ORDER) + raw[32:], "signature-value-range"),
    "s_of_the_order": value(lambda raw: raw[:32] + integer(ORDER), "signature-value-range"),
    "s_plus_the_order": value(lambda raw: raw[:32] + b"\xff" * 32, "signature-value-range"),
    "swapped": value(lambda raw: raw[32:] + raw[:32], "signature-value", WRONG),
    "one_and_one": value(lambda _: integer(1) * 2, "signature-value", WRONG),
    "one_bit": value(lambda raw: bytes([raw[0] ^ 1]) + raw[1:], "signature-value", WRONG),
    "rsa_one_bit": Attack(
        Making(signer=leaf("rsa2048"), value=lambda raw: raw[:-1] + bytes([raw[-1] ^ 1])), WRONG, "signature-value"
    ),
    "rsa_short": Attack(Making(signer=leaf("rsa2048"), value=lambda raw: raw[1:]), OUTSIDE, "signature-value-length"),
    "rsa_long": Attack(
        Making(signer=leaf("rsa2048"), value=lambda raw: b"\0" + raw), OUTSIDE, "signature-value-length"
    ),
}

_SIGNED = "</SignedData>"
_SENDER = "<Sender>CASINO230941821107</Sender>"
_RECEIVER = "<Receiver>AFM</Receiver>"


def _inside(text: str, wrapper: str) -> str:
    """Evil data beside the good, which is kept in a wrapper: the classic wrapping attack."""
    good = text[text.index("<SignedData>") : text.index(_SIGNED) + len(_SIGNED)]
    signature = text[text.index("<Signature>") : text.index("</Signature>") + len("</Signature>")]
    evil = good.replace("1 000", "9 000").replace(signature, wrapper.replace("GOOD", good) + signature)
    return text.replace(good, evil)


def _outside(text: str) -> str:
    """Evil data in the right place, the good kept outside of it."""
    good = text[text.index("<SignedData>") : text.index(_SIGNED)] + _SIGNED
    return text.replace("1 000", "9 000").replace("<TransportType>", f"<Old>{good}</Old><TransportType>")


DELIVERIES = {
    "changed_text": delivered(swap("1 000", "9 000"), "digest", WRONG),
    "changed_attribute": delivered(swap("<Note>", '<Note a="1">'), "digest", WRONG),
    "changed_order": delivered(
        swap(f"{_SENDER}{_RECEIVER}", f"{_RECEIVER}{_SENDER}"),
        "digest",
        WRONG,
    ),
    "added_white_space": delivered(swap("</Root>", " </Root>"), "digest", WRONG),
    "white_space_before_the_signature": delivered(swap("<Signature>", "\n<Signature>"), "digest", WRONG),
    "white_space_after_the_signature": delivered(swap("</Signature>", "</Signature>\n"), "digest", WRONG),
    "attribute_of_signed_data": delivered(swap("<SignedData>", '<SignedData a="1">'), "digest", WRONG),
    "id_of_signed_data": delivered(swap("<SignedData>", '<SignedData Id="SignedData">'), "digest", WRONG),
    "relative_namespace_in_the_message": delivered(swap("<Data>", '<Data xmlns:x="a">'), "relative-namespace"),
    "comment_in_a_value": delivered(swap("1 000", "1<!-- --> 000"), "comment"),
    "comment_outside": delivered(swap("<TransportType>", "<!-- --><TransportType>"), "comment"),
    "processing_instruction": delivered(swap("1 000", "1<?x?> 000"), "comment"),
    "dtd": delivered(around("<!DOCTYPE ExportData>"), "dtd"),
    "no_signature": delivered(resigned(""), "no-signature", MISSING),
    "empty_signature": delivered(resigned("<Signature/>"), "empty-signature", MISSING),
    "blank_signature": delivered(resigned("<Signature> \n</Signature>"), "empty-signature", MISSING),
    "another_root": delivered(lambda text: text.replace("ExportData", "ImportData"), "not-a-message", MISSING),
    "root_in_a_namespace": delivered(swap("<ExportData>", '<ExportData xmlns="urn:x">'), "not-a-message", MISSING),
    "signed_data_in_a_namespace": delivered(
        swap("<SignedData>", '<SignedData xmlns="urn:x">'), "no-signed-data", MISSING
    ),
    "signature_in_a_namespace": delivered(swap("<Signature>", '<Signature xmlns="urn:x">'), "no-signature", MISSING),
    "signature_outside_signed_data": delivered(
        lambda text: text.replace(_SIGNED, "").replace("<Signature>", f"{_SIGNED}<Signature>"), "no-signature", MISSING
    ),
    "signature_in_data": delivered(
        lambda text: text.replace("</Data>", "").replace("</Signature>", "</Signature></Data>"), "no-signature", MISSING
    ),
    "signature_with_an_attribute": delivered(swap("<Signature>", '<Signature a="1">'), "signature-element"),
    "signature_with_a_child": delivered(swap("<Signature>", "<Signature><a/>"), "signature-element"),
    "signature_unencoded": Attack(
        Making(encoded=lambda text: base64.b64decode(text).decode()), OUTSIDE, "signature-element"
    ),
    "signature_twice": delivered(
        lambda text: text.replace(_SIGNED, text[text.index("<Signature>") : text.index(_SIGNED)] + _SIGNED),
        "several-signatures",
    ),
    "empty_signature_beside": delivered(swap(_SIGNED, f"<Signature/>{_SIGNED}"), "several-signatures"),
    "signature_below_too": Attack(
        Making(message=MESSAGE.replace("</Note>", "</Note><Signature>x</Signature>")), OUTSIDE, "several-signatures"
    ),
    "signature_with_an_attribute_below_too": Attack(
        Making(message=MESSAGE.replace("</Note>", '</Note><Signature a="1"/>')), OUTSIDE, "several-signatures"
    ),
    "signed_data_twice": delivered(
        lambda text: text.replace(_SIGNED, _SIGNED + text[text.index("<SignedData>") : text.index(_SIGNED)] + _SIGNED),
        "several-signed-data",
    ),
    "evil_signed_data_first": delivered(
        swap("<SignedData>", "<SignedData><Sender>X</Sender></SignedData><SignedData>"), "several-signed-data"
    ),
    "wrapped_in_another": delivered(lambda text: _inside(text, "<Wrapper>GOOD</Wrapper>"), "several-signatures"),
    "wrapped_in_an_object": delivered(
        lambda text: _inside(text, '<o:Object xmlns:o="urn:o">GOOD</o:Object>'), "several-signatures"
    ),
    "wrapped_outside": delivered(_outside, "digest", WRONG),
    "namespace_made_to_bite": delivered(
        lambda text: text.replace(' xmlns:x="urn:good"', "").replace("<ExportData>", '<ExportData xmlns:x="urn:evil">'),
        "digest",
        WRONG,
        MESSAGE.replace("<SignedData>", '<SignedData xmlns:x="urn:good">').replace("<Note>", '<Note x:a="1">'),
    ),
}

ATTACKS: dict[str, Attack] = {
    f"{group}_{case}": attack
    for group, attacks in {
        "method": METHODS,
        "digest": DIGESTS,
        "transform": TRANSFORMS,
        "signed_info": SIGNED_INFOS,
        "whole": WHOLES,
        "encoding": ENCODINGS,
        "value": VALUES,
        "delivery": DELIVERIES,
    }.items()
    for case, attack in attacks.items()
}
