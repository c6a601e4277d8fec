from imagepull.provider import main

main()
