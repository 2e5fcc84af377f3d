"""What is in a folder, and in a tree."""


def in_folder(path):
    return {str(one.relative_to(path)): one.read_bytes() for one in path.rglob("*") if one.is_file()}


def in_tree(tree):
    infos = [info for page in tree.store.list(tree.prefix) for info in page.objects]
    return {info.key[len(tree.prefix) :]: tree.store.get(info.key) for info in infos}
