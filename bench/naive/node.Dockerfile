# What a first Dockerfile of a Node.js service looks like: one stage, everything copied, then installed.
ARG NODE_IMAGE=node:22
FROM ${NODE_IMAGE}
WORKDIR /app
COPY . .
RUN npm install && npm run build --if-present
CMD ["npm", "start"]
