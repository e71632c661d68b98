namespace CozeCluster.Gateway.Http;

/// <summary>The client's connection broke while its request was read. Nobody is left to answer, and nothing is wrong on our side.</summary>
/// <param name="inner">What the server said.</param>
internal sealed class ClientGoneException(Exception inner) : Exception("The client went before its request was there.", inner);
