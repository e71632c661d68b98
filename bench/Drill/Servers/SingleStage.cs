namespace CozeCluster.Drill;

/// <summary>One node, with its data in its folder.</summary>
internal sealed class SingleStage : Stage
{
    private readonly Node _node;

    public SingleStage(string? keep) : base(keep)
    {
        var address = new Uri($"http://127.0.0.1:{Ports.Free()}/");
        _node = new Node("node", Folder, address, ["--fleet", "fleet.yaml", "--data", "data", "--port", $"{address.Port}"]);
    }

    public override IReadOnlyList<Node> Nodes => [_node];

    public override IReadOnlyList<Uri> Doors => [_node.Address];

    public override Node Victim(int turn) => _node;
}
